/* What the host machine offers to threads, and which Swift cannot ask for itself. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_CHOST_H
#define VOXELSMITH_CHOST_H

#include <stdint.h>

/* Tells the core that this thread is spinning. */
static inline void vs_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); /* about as long as x86's pause; `yield` takes no time at all */
#endif
}

/* Gives the calling thread the default arithmetic: rounding to nearest, gradual underflow, no traps. Returns what it had before, for
 * vs_restore_arithmetic. A thread that has it already only reads a register. */
static inline uint64_t vs_default_arithmetic(void) {
#if defined(__x86_64__)
    const uint32_t before = __builtin_ia32_stmxcsr();
    /* The lowest six bits note what happened. */
    if ((before & 0xFFC0) != 0x1F80) __builtin_ia32_ldmxcsr(0x1F80 | (before & 0x3F));
    return before;
#elif defined(__aarch64__)
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    if (before) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0) : "memory");
    return before;
#else
    return 0;
#endif
}

static inline void vs_restore_arithmetic(uint64_t before) {
#if defined(__x86_64__)
    if ((__builtin_ia32_stmxcsr() ^ before) & 0xFFC0) __builtin_ia32_ldmxcsr((uint32_t)before);
#elif defined(__aarch64__)
    uint64_t now;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now));
    if (now != before) __asm__ volatile("msr fpcr, %0" : : "r"(before) : "memory");
#else
    (void)before;
#endif
}

/* Cores this process may run on: the size of its affinity mask, at least 1. */
int32_t vs_available_cores(void);

/* The core the calling thread is on, -1 where the system does not say. */
int32_t vs_current_core(void);

/* The system's number of the calling thread, 0 where there is none. */
int32_t vs_thread_number(void);

/* Moves a thread away from a core at once: it may then run on all cores of the process but this one. Does nothing where that would leave
 * none, or is not possible. */
void vs_keep_off_core(int32_t thread, int32_t core);

/* Sleeps until another thread wakes those who sleep on the word, unless the word differs from `seen`; may return early. */
void vs_sleep(const void *word, uint32_t seen);

/* Wakes up to `count` threads that sleep on the word. */
void vs_wake(const void *word, int32_t count);

/* Makes all threads take their small objects from one heap. Otherwise the C library gives each thread its own. To be called before there
 * are other threads. */
void vs_share_one_heap(void);

/* Reads one byte of every 64, so that the memory is in the caches. */
void vs_read_lines(const void *memory, int64_t bytes);

/* The file that holds the code or data at an address, under the name it was loaded by; null where the system does not say. */
const char *vs_image_path(const void *address);

/* Nanoseconds of the monotonic clock. */
uint64_t vs_monotonic_nanoseconds(void);

#endif
