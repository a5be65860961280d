/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__linux__)
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/xattr.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hostfiles.h"

const char *vs_secure_environment(const char *name) {
#if defined(__linux__)
    return secure_getenv(name);
#else
    return issetugid() ? NULL : getenv(name);
#endif
}

int vs_next_group(struct group *entry, char *buffer, size_t bytes, struct group **result) {
#if defined(__linux__)
    return getgrent_r(entry, buffer, bytes, result);
#else
    (void)entry, (void)buffer, (void)bytes, (void)result;
    return ENOSYS;
#endif
}

int vs_has_access_list(int32_t descriptor) {
#if defined(__linux__)
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", (int)descriptor);
    return getxattr(path, "system.posix_acl_access", NULL, 0) >= 0 || (errno != ENODATA && errno != ENOTSUP);
#else
    (void)descriptor;
    return 1;
#endif
}

#if defined(__linux__)
/* Writes all the bytes; 0, or the error's number. */
static int write_all(int32_t file, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(file, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return written < 0 ? errno : ENOSPC;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

/* Writes the bytes to a descriptor, and returns it. Where they cannot be written, closes it and returns -1 with errno. Exceeding the limit
 * of file sizes (ulimit -f, which holds for files in memory too) is such an error: the signal that would end the process is taken away. */
static int32_t filled(int32_t file, const char *bytes, size_t count) {
    if (file < 0) return -1;
    sigset_t signal, before, pending;
    sigemptyset(&signal);
    sigaddset(&signal, SIGXFSZ);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &signal, &before);
    int number = write_all(file, bytes, count);
    const struct timespec none = {0, 0};
    if (number == EFBIG && !sigismember(&pending, SIGXFSZ)) sigtimedwait(&signal, NULL, &none);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number == 0) return file;
    close(file);
    errno = number;
    return -1;
}
#endif

int32_t vs_sealed_copy(const void *bytes, size_t count) {
#if defined(__linux__)
    /* The file is mapped, and never started as a program, so it does without the right to be executed. That is what the first of these
     * flags says; systems with vm.memfd_noexec = 2 take no other. Systems older than the flag (Linux 6.3) take none. */
    const unsigned no_exec_seal = 8, exec = 16;
    const unsigned choices[] = {no_exec_seal, 0, exec};
    int32_t file = -1;
    for (size_t i = 0; i < 3 && file < 0; ++i) file = memfd_create("voxelsmith plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING | choices[i]);
    file = filled(file, bytes, count);
    if (file < 0) return -1;
    if (fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0) return file;
    int number = errno;
    close(file);
    errno = number;
#else
    (void)bytes, (void)count;
    errno = ENOSYS;
#endif
    return -1;
}

int32_t vs_unnamed_copy(const char *folder, const void *bytes, size_t count) {
#if defined(__linux__)
    return filled(open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600), bytes, count);
#else
    (void)folder, (void)bytes, (void)count;
    errno = ENOSYS;
    return -1;
#endif
}
