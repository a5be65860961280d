/* SPDX-License-Identifier: Apache-2.0 */
#include "arithmetic.h"

#if defined(__x86_64__)
uint64_t vs_test_arithmetic(void) { return __builtin_ia32_stmxcsr() & 0xFFC0; }

void vs_test_set_arithmetic(int mode) {
    __builtin_ia32_ldmxcsr(0x1F80 | (mode & 1 ? 0x4000 : 0) | (mode & 2 ? 0x8040 : 0));
}
#elif defined(__aarch64__)
uint64_t vs_test_arithmetic(void) {
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

void vs_test_set_arithmetic(int mode) {
    const uint64_t value = (mode & 1 ? UINT64_C(1) << 22 : 0) | (mode & 2 ? UINT64_C(1) << 24 : 0);
    __asm__ volatile("msr fpcr, %0" : : "r"(value) : "memory");
}
#endif

float vs_test_sum(float x, float y) {
    volatile float a = x, b = y;
    return a + b;
}
