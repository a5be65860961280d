/* Activations of float elements that programs spend time in. SPDX-License-Identifier: Apache-2.0 */
#include "cinterpreter.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Contracted expressions would be rounded otherwise where there are fused multiply-adds. */
#pragma STDC FP_CONTRACT OFF

#define VS_INLINE static inline __attribute__((always_inline))

/* Rows that are computed together, or elements. */
enum { TOGETHER = 8 };
typedef double vs_eight __attribute__((vector_size(64)));
typedef int64_t vs_integers __attribute__((vector_size(64)));

/* Lanes of one where `mask` says so, of the other elsewhere. */
#define VS_CHOSEN(mask, one, other) ((vs_eight)(((mask) & (vs_integers)(one)) | (~(mask) & (vs_integers)(other))))

/* e^x of eight numbers, within 1 ulp; 0 below -707 and infinite above 709, which is more than the exponents of float need. NaN stays NaN.
 *
 * x = k ln 2 + r with |r| <= 0.3466. ln 2 is a number of 32 bits, whose product with k is exact, and a small rest. e^r is 1 + (r + r^2 p(r)), p being
 * the beginning of the series of (e^r - 1 - r) / r^2: the first term that is left out, r^14 / 14!, is below 2^-57. */
VS_INLINE void exponentials(vs_eight *values) {
    static const double terms[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
        1.0 / 5040,       1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2,
    };
    const double rounder = 0x1.8p52, high = 0x1.62e42feep-1, low = 0x1.a39ef35793c76p-33;
    const vs_eight x = *values, zero = {0};
    const vs_integers isLow = x < -707.0, isHigh = x > 709.0, isNumber = x == x;
    /* A sum with 1.5 * 2^52 is rounded to an integer, which stands in its last bits. */
    const vs_eight known = VS_CHOSEN(isNumber & ~isLow & ~isHigh, x, zero);
    const vs_eight shifted = known * 0x1.71547652b82fep+0 + rounder;
    const vs_eight k = shifted - rounder;
    const vs_eight r = (known - k * high) - k * low;
    /* Odd and even terms by themselves: two chains of half the length. */
    const vs_eight square = r * r;
    vs_eight odd = zero + terms[0], even = zero + terms[1];
    for (size_t i = 2; i < sizeof terms / sizeof *terms; i += 2) {
        odd = odd * square + terms[i];
        even = even * square + terms[i + 1];
    }
    const vs_integers exponent = (vs_integers)shifted - (vs_integers)(zero + rounder);
    const vs_eight scaled = (1 + (r + square * (odd * r + even))) * (vs_eight)((exponent + 1023) << 52);
    const vs_eight powers = VS_CHOSEN(isHigh, zero + (double)INFINITY, VS_CHOSEN(isLow, zero, scaled));
    *values = VS_CHOSEN(isNumber, powers, x);
}

/* Up to eight rows, a lane of vectors each; lanes without a row repeat the last one. */
VS_INLINE void softmax_block(int64_t rows, int64_t length, float *x) {
    vs_eight values[VS_INTERP_SOFTMAX_LENGTH];
    vs_eight largest = {0};
    largest -= (double)INFINITY;
    for (int64_t i = 0; i < length; i++) {
        for (int row = 0; row < TOGETHER; row++) values[i][row] = (double)x[(row < rows ? row : rows - 1) * length + i];
        const vs_integers isLarger = (values[i] > largest) | (values[i] != values[i]);
        largest = VS_CHOSEN(isLarger, values[i], largest);
    }
    vs_eight sum = {0};
    for (int64_t i = 0; i < length; i++) {
        values[i] -= largest;
        exponentials(&values[i]);
        sum += values[i];
    }
    for (int64_t i = 0; i < length; i++) {
        const vs_eight y = values[i] / sum;
        for (int row = 0; row < TOGETHER && row < rows; row++) x[row * length + i] = (float)y[row];
    }
}

VS_INLINE void softmax(int64_t rows, int64_t length, float *x) {
    int64_t row = 0;
    for (; row + TOGETHER <= rows; row += TOGETHER) softmax_block(TOGETHER, length, x + row * length);
    if (row < rows) softmax_block(rows - row, length, x + row * length);
}

/* 1 / (1 + e^-x), or x times that. */
VS_INLINE void sigmoid(int64_t count, float *x, int isProduct) {
    for (int64_t first = 0; first < count; first += TOGETHER) {
        const int64_t here = count - first < TOGETHER ? count - first : TOGETHER;
        float own[TOGETHER] = {0};
        memcpy(own, x + first, (size_t)here * sizeof *own);
        vs_eight values, powers;
        for (int lane = 0; lane < TOGETHER; lane++) values[lane] = (double)own[lane];
        powers = -values;
        exponentials(&powers);
        const vs_eight y = isProduct ? values / (1 + powers) : 1 / (1 + powers);
        for (int lane = 0; lane < TOGETHER; lane++) own[lane] = (float)y[lane];
        memcpy(x + first, own, (size_t)here * sizeof *own);
    }
}

VS_INLINE void rectified(int64_t count, float *x, double slope) {
    _Pragma("clang loop vectorize(assume_safety)")
    for (int64_t i = 0; i < count; i++) {
        const double value = (double)x[i], scaled = slope * value;
        x[i] = (float)(value < 0 ? scaled : value);
    }
}

/* The always_inline bodies become code of an instruction set inside a function with its target attribute. Without min_vector_width clang splits
 * 64-byte vectors into halves. */
#if defined(__x86_64__)
#define VS_COMPILED(name, parameters, body)                                                                                        \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"), min_vector_width(512))) static void name##_avx512 parameters body \
    __attribute__((target("avx2"))) static void name##_avx2 parameters body                                                        \
    static void name##_baseline parameters body
#define VS_DISPATCH(name, arguments)                                  \
    switch (vs_interp_instruction_set()) {                            \
    case VS_INTERP_AVX512: name##_avx512 arguments; break;            \
    case VS_INTERP_AVX2: name##_avx2 arguments; break;                \
    default: name##_baseline arguments; break;                        \
    }
#else
#define VS_COMPILED(name, parameters, body) static void name##_baseline parameters body
#define VS_DISPATCH(name, arguments) name##_baseline arguments;
#endif

VS_COMPILED(softmax_rows, (int64_t rows, int64_t length, float *x), { softmax(rows, length, x); })
VS_COMPILED(sigmoids, (int64_t count, float *x), { sigmoid(count, x, 0); })
VS_COMPILED(silus, (int64_t count, float *x), { sigmoid(count, x, 1); })
VS_COMPILED(leaky, (int64_t count, float *x, double slope), { rectified(count, x, slope); })

void vs_interp_softmax(int64_t rows, int64_t length, float *x) { VS_DISPATCH(softmax_rows, (rows, length, x)) }

void vs_interp_sigmoid(int64_t count, float *x) { VS_DISPATCH(sigmoids, (count, x)) }

void vs_interp_silu(int64_t count, float *x) { VS_DISPATCH(silus, (count, x)) }

void vs_interp_leaky(int64_t count, float *x, double slope) { VS_DISPATCH(leaky, (count, x, slope)) }
