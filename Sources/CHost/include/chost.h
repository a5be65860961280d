/* What the host machine offers that Swift cannot ask for itself. SPDX-License-Identifier: Apache-2.0 */
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

/* Cores this process may run on: the size of its affinity mask, at least 1. */
int32_t vs_available_cores(void);

/* Nanoseconds of the monotonic clock. */
uint64_t vs_monotonic_nanoseconds(void);

#endif
