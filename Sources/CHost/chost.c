/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__linux__)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#endif
#include <time.h>
#include <unistd.h>

#include "chost.h"

int32_t vs_current_core(void) {
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

int32_t vs_thread_number(void) {
#if defined(__linux__)
    return (int32_t)syscall(SYS_gettid);
#else
    return 0;
#endif
}

#if defined(__linux__)
/* The affinity mask of a thread, 0 being the caller. The mask has `*bytes` bytes, and the caller frees it by CPU_FREE; NULL when the system
 * gives none. */
static cpu_set_t *affinity(pid_t thread, size_t *bytes) {
    /* The kernel refuses masks smaller than its own, so the size grows until one fits. */
    for (int cores = 1024; cores <= 1 << 20; cores *= 2) {
        cpu_set_t *set = CPU_ALLOC(cores);
        if (!set) return NULL;
        *bytes = CPU_ALLOC_SIZE(cores);
        if (sched_getaffinity(thread, *bytes, set) == 0) return set;
        CPU_FREE(set);
    }
    return NULL;
}
#endif

void vs_keep_off_core(int32_t thread, int32_t core) {
#if defined(__linux__)
    if (thread <= 0 || core < 0) return;
    size_t bytes;
    /* The mask of the first thread is the one that users set from outside. */
    cpu_set_t *set = affinity(getpid(), &bytes);
    if (!set) return;
    CPU_CLR_S(core, bytes, set);
    if (CPU_COUNT_S(bytes, set) > 0) sched_setaffinity(thread, bytes, set);
    CPU_FREE(set);
#else
    (void)thread, (void)core;
#endif
}

int32_t vs_available_cores(void) {
#if defined(__linux__)
    size_t bytes;
    cpu_set_t *set = affinity(0, &bytes);
    int count = set ? CPU_COUNT_S(bytes, set) : 0;
    if (set) CPU_FREE(set);
    if (count > 0) return count;
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int32_t)online : 1;
}

void vs_sleep(const void *word, uint32_t seen) {
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
#else
    struct timespec pause = {0, 50000};
    if (__atomic_load_n((const uint32_t *)word, __ATOMIC_SEQ_CST) == seen) nanosleep(&pause, NULL);
#endif
}

void vs_wake(const void *word, int32_t count) {
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
#else
    (void)word, (void)count; /* sleepers look again by themselves */
#endif
}

void vs_share_one_heap(void) {
#if defined(M_ARENA_MAX)
    mallopt(M_ARENA_MAX, 1);
#endif
}

void vs_read_lines(const void *memory, int64_t bytes) {
    const volatile char *line = memory;
    for (int64_t i = 0; i < bytes; i += 64) (void)line[i];
}

uint64_t vs_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const char *vs_image_path(const void *address) {
#if defined(__linux__)
    Dl_info information;
    return dladdr(address, &information) ? information.dli_fname : 0;
#else
    return 0;
#endif
}
