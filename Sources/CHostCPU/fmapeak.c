#include "fmapeak.h"

#include "hostcpu.h"

#include <stdint.h>
#include <time.h>

/* A multiply-add has a latency of 4 to 6 cycles and up to two start per cycle: 12 independent chains keep both pipes busy, and
 * with the two operands they still fit 16 registers. */
#define CHAINS 12
#define STEPS 8192
#define DURATION 0.015 /* seconds */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* One probe: rounds of 0.1 ms or more; the best round counts, because interruptions only ever slow a round down. The asm
 * statements hide the values from the optimiser, which otherwise would fold the whole loop. */
#define PROBE(NAME, ATTRIBUTE, BYTES, REGISTER, MULTIPLY_ADD)                                                                    \
    ATTRIBUTE static double NAME(void) {                                                                                         \
        typedef float vector __attribute__((vector_size(BYTES)));                                                               \
        vector a[CHAINS];                                                                                                       \
        vector factor = (vector){0} + 0.999f, term = (vector){0} + 0.001f;                                                      \
        __asm__ volatile("" : "+" REGISTER(factor), "+" REGISTER(term));                                                        \
        for (int c = 0; c < CHAINS; ++c) a[c] = term * (float)(c + 1);                                                          \
        double best = 0, start = seconds(), end = start + DURATION;                                                             \
        while (start < end) {                                                                                                   \
            for (int outer = 0; outer < 8; ++outer) {                                                                           \
                for (int step = 0; step < STEPS; ++step) {                                                                      \
                    _Pragma("clang loop unroll(full)") for (int c = 0; c < CHAINS; ++c) a[c] = MULTIPLY_ADD(a[c], factor, term); \
                }                                                                                                               \
                _Pragma("clang loop unroll(full)") for (int c = 0; c < CHAINS; ++c) __asm__ volatile("" : "+" REGISTER(a[c]));   \
            }                                                                                                                   \
            double now = seconds();                                                                                             \
            double rate = 2.0 * CHAINS * (BYTES / 4) * STEPS * 8 / (now - start) * 1e-9;                                        \
            if (rate > best) best = rate;                                                                                       \
            start = now;                                                                                                        \
        }                                                                                                                       \
        return best;                                                                                                            \
    }

#define FUSED(a, b, c) __builtin_elementwise_fma(a, b, c)
#define SEPARATE(a, b, c) ((a) * (b) + (c))

#if defined(__x86_64__)

PROBE(peak_zmm, __attribute__((target("avx512f"))), 64, "v", FUSED)
PROBE(peak_ymm, __attribute__((target("avx2,fma"))), 32, "x", FUSED)
PROBE(peak_xmm_fused, __attribute__((target("avx,fma"))), 16, "x", FUSED)
PROBE(peak_xmm, , 16, "x", SEPARATE)

double vs_fma_peak_gflops(int vector_bytes) {
    switch (vector_bytes) {
    case 64: return vs_host_supports("avx512f") ? peak_zmm() : 0;
    case 32: return vs_host_supports("avx2") && vs_host_supports("fma") ? peak_ymm() : 0;
    case 16: return vs_host_supports("fma") ? peak_xmm_fused() : peak_xmm();
    default: return 0;
    }
}

#elif defined(__aarch64__)

PROBE(peak_neon, , 16, "w", FUSED)

double vs_fma_peak_gflops(int vector_bytes) { return vector_bytes == 16 ? peak_neon() : 0; }

#else

double vs_fma_peak_gflops(int vector_bytes) {
    (void)vector_bytes;
    return 0;
}

#endif
