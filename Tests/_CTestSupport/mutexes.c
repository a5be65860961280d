/* Lets the thread sanitizer see Swift's Mutex. SPDX-License-Identifier: Apache-2.0
 *
 * The fast paths of `Mutex` are inlined and seen. When threads meet, the lock is handed over by the Linux kernel, in functions of
 * libswiftSynchronization, which is not built with the sanitizer: it would report every access under a contended lock. These
 * definitions in the executable come before the library's, call them, and say what they did.
 */
#if __has_feature(thread_sanitizer) && defined(__linux__)
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

extern void __tsan_acquire(void *);
extern void __tsan_release(void *);

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

/* Synchronization._MutexHandle._lockSlow(Swift.UInt32) -> (): the handle lies where its only field, the lock's word, lies. */
SWIFT void lock_slow(uint32_t thread, SELF void *handle) __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
/* Synchronization._MutexHandle._tryLockSlow() -> Swift.Bool */
SWIFT bool try_lock_slow(SELF void *handle) __asm__("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");
/* Synchronization._MutexHandle._unlockSlow() -> () */
SWIFT void unlock_slow(SELF void *handle) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");

/* The next definition of the same name; without it no lock would work. */
static void *library(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

SWIFT void lock_slow(uint32_t thread, SELF void *handle) {
    typedef SWIFT void (*function)(uint32_t, SELF void *);
    ((function)library("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"))(thread, handle);
    __tsan_acquire(handle);
}

SWIFT bool try_lock_slow(SELF void *handle) {
    typedef SWIFT bool (*function)(SELF void *);
    bool locked = ((function)library("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"))(handle);
    if (locked) __tsan_acquire(handle);
    return locked;
}

SWIFT void unlock_slow(SELF void *handle) {
    typedef SWIFT void (*function)(SELF void *);
    __tsan_release(handle);
    ((function)library("$s15Synchronization12_MutexHandleV11_unlockSlowyyF"))(handle);
}
#endif
