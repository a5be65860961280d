/* Vectors of VS_LANES reals and the activation functions on them, in the vector extensions of clang and GCC (12 or later): no
 * intrinsics, no libm. Copied beside every generated kernel. Each kernel first defines VS_REAL_BYTES (4: float, 8: double) and VS_LANES, so many
 * that a vector has 16, 32 or 64 bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every function keeps NaN. Errors are in units of the last place of the exact result, measured over the stated domain by a
 * test of the project; results below 2^-126 may lose precision.
 *
 * The functions of this table, and the activations made of them, exist for float only.
 *
 *   vs_exp      all x                  2 ulp      vs_tanh     all x                  4 ulp
 *   vs_expm1    all x                  3 ulp      vs_erf      all x                  3 ulp
 *   vs_log1p    0 <= x <= 2^126        2 ulp      vs_sigmoid  all x                  4 ulp
 */
#ifndef VOXELSMITH_VECTORS_H
#define VOXELSMITH_VECTORS_H

#include <stdint.h>

#if VS_REAL_BYTES == 4
typedef float vs_real;
typedef int32_t vs_integer;
#define VS_SIGN_BIT INT32_MIN
#define VS_LARGE 0x1p62f
#else
typedef double vs_real;
typedef int64_t vs_integer;
#define VS_SIGN_BIT INT64_MIN
#define VS_LARGE 0x1p510
#endif
_Static_assert(sizeof(vs_real) == VS_REAL_BYTES, "float or double");

/* Aligned like one element, since rows of a tensor may begin anywhere. */
typedef vs_real vf __attribute__((vector_size(VS_REAL_BYTES * VS_LANES), aligned(VS_REAL_BYTES)));
typedef vs_integer vi __attribute__((vector_size(VS_REAL_BYTES * VS_LANES), aligned(VS_REAL_BYTES)));
typedef vs_real vs_f2 __attribute__((vector_size(VS_REAL_BYTES * 2), aligned(VS_REAL_BYTES)));
typedef vs_real vs_f4 __attribute__((vector_size(VS_REAL_BYTES * 4), aligned(VS_REAL_BYTES)));
typedef vs_real vs_f8 __attribute__((vector_size(VS_REAL_BYTES * 8), aligned(VS_REAL_BYTES)));

#define VS_INLINE static inline __attribute__((always_inline, unused))

/* GCC warns of an array of which it cannot tell that only those elements are read that were written, as it does not follow their number. */
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/* In front of a loop: all of its steps are written out in a row, or `count` at a time. The first is for loops whose number of steps is
 * known and small. GCC wants a limit: the longest of them have 343 steps, the inputs of a window of minimal filtering. */
#define VS_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define VS_UNROLL_FULL VS_PRAGMA(clang loop unroll(full))
#define VS_UNROLL(count) VS_PRAGMA(clang loop unroll_count(count))
#else
#define VS_UNROLL_FULL VS_PRAGMA(GCC unroll 343)
#define VS_UNROLL(count) VS_PRAGMA(GCC unroll count)
#endif

VS_INLINE vf vs_load(const vs_real *p) { return *(const vf *)p; }
VS_INLINE void vs_store(vs_real *p, vf v) { *(vf *)p = v; }
VS_INLINE vf vs_splat(vs_real value) { return (vf){0} + value; }

/* A vector with its natural alignment, which stores that bypass the caches need. */
typedef vs_real vs_aligned __attribute__((vector_size(VS_REAL_BYTES * VS_LANES)));

/* Stores a vector past the caches, to an address with its natural alignment. GCC has no name for this that fits all types and
 * machines, only the instructions of x86-64, whose bits are the same for float and double. */
VS_INLINE void vs_store_past(vs_real *p, vf v) {
#if defined(__clang__)
    __builtin_nontemporal_store(v, (vs_aligned *)p);
#elif defined(__AVX__)
    __asm__ volatile("vmovntps {%1, %0|%0, %1}" : "=m"(*(vs_aligned *)p) : "v"(v));
#elif defined(__x86_64__)
    __asm__ volatile("movntps {%1, %0|%0, %1}" : "=m"(*(vs_aligned *)p) : "x"(v));
#else
    *(vs_aligned *)p = v;
#endif
}

/* Stores a vector past the caches where its address allows it: a plain store would first read the line that it overwrites.
 * vs_end_streams() must be called before other threads read what was stored. */
VS_INLINE void vs_stream(vs_real *p, vf v) {
    if ((uintptr_t)p % sizeof(vf) == 0) vs_store_past(p, v);
    else vs_store(p, v);
}

VS_INLINE void vs_end_streams(void) {
#if defined(__x86_64__)
    __asm__ volatile("sfence" : : : "memory"); /* the processor does not order such stores with others */
#endif
}

/* Cache lines to be prefetched a few at a time while other work is done: those of several runs of bytes, all of the same length. */
typedef struct {
    const char *run;
    int64_t step; /* bytes from run to run */
    int64_t left; /* lines of all runs that remain */
    int64_t lines; /* of one run */
    int64_t line;
} vs_fetch;

VS_INLINE vs_fetch vs_fetch_runs(const vs_real *run, int64_t step, int runs, int64_t bytes) {
    const int64_t lines = (bytes + 63) / 64;
    const vs_fetch f = { (const char *)run, step, lines * runs, lines, 0 };
    return f;
}

VS_INLINE void vs_fetch_lines(vs_fetch *f, int64_t count) {
    if (count > f->left) count = f->left;
    f->left -= count;
    while (count > 0) {
        const int64_t n = count < f->lines - f->line ? count : f->lines - f->line;
        for (int64_t i = 0; i < n; ++i) __builtin_prefetch(f->run + (f->line + i) * 64, 0, 2);
        count -= n;
        f->line += n;
        if (f->line == f->lines) {
            f->line = 0;
            f->run += f->step;
        }
    }
}

/* Lanes of `yes` where the mask (a comparison's result) is set, else of `no`. */
VS_INLINE vf vs_select(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }

/* Two neighbouring channels, repeated over the vector; and one channel with zeros for its missing neighbour. */
#if defined(__clang__) || VS_REAL_BYTES == 8
VS_INLINE vf vs_pair(const vs_real *p) {
    const vs_f2 t = *(const vs_f2 *)p;
#if VS_LANES == 16
    return __builtin_shufflevector(t, t, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1);
#elif VS_LANES == 8 && defined(__clang__)
    return __builtin_shufflevector(t, t, 0, 1, 0, 1, 0, 1, 0, 1);
#elif VS_LANES == 8
    const vs_f4 u = __builtin_shufflevector(t, t, 0, 1, 0, 1); /* in one step, GCC would go through memory */
    return __builtin_shufflevector(u, u, 0, 1, 2, 3, 0, 1, 2, 3);
#elif VS_LANES == 4
    return __builtin_shufflevector(t, t, 0, 1, 0, 1);
#else
    return __builtin_shufflevector(t, t, 0, 1);
#endif
}
#else
/* Two floats are one number of 64 bits here, as GCC would shuffle them through memory. */
typedef int64_t vs_two __attribute__((may_alias, aligned(VS_REAL_BYTES)));
typedef int64_t vs_twos __attribute__((vector_size(VS_REAL_BYTES * VS_LANES)));
VS_INLINE vf vs_pair(const vs_real *p) { return (vf)((vs_twos){0} + *(const vs_two *)p); }
#endif

VS_INLINE vf vs_lonely(vs_real x) {
    const vs_f2 t = {x, 0};
    return vs_pair((const vs_real *)&t);
}

/* Sums of even and odd neighbours, in the lower half of the result. */
VS_INLINE vf vs_add_pairs(vf v) {
#if VS_LANES == 16
    return __builtin_shufflevector(v, v, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14) +
           __builtin_shufflevector(v, v, 1, 3, 5, 7, 9, 11, 13, 15, 1, 3, 5, 7, 9, 11, 13, 15);
#elif VS_LANES == 8
    return __builtin_shufflevector(v, v, 0, 2, 4, 6, 0, 2, 4, 6) + __builtin_shufflevector(v, v, 1, 3, 5, 7, 1, 3, 5, 7);
#elif VS_LANES == 4
    return __builtin_shufflevector(v, v, 0, 2, 0, 2) + __builtin_shufflevector(v, v, 1, 3, 1, 3);
#else
    return __builtin_shufflevector(v, v, 0, 0) + __builtin_shufflevector(v, v, 1, 1);
#endif
}

/* The sum of all lanes of VS_LANES vectors, one sum in each lane: a tree that halves the number of vectors at each level. Lanes are
 * paired so that each shuffle is one instruction whose pattern is part of it, not read from a register or memory. */
#if VS_LANES == 16
VS_INLINE vf vs_fold_1(vf a, vf b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
           __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
}
VS_INLINE vf vs_fold_2(vf a, vf b) {
    return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
VS_INLINE vf vs_fold_4(vf a, vf b) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}
VS_INLINE vf vs_fold_8(vf a, vf b) { return vs_fold_4(a, b); }
#elif VS_LANES == 8
VS_INLINE vf vs_fold_1(vf a, vf b) {
#if VS_REAL_BYTES == 4
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13) + __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
#else
    return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
#endif
}
VS_INLINE vf vs_fold_2(vf a, vf b) {
    return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
}
VS_INLINE vf vs_fold_4(vf a, vf b) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
}
#elif VS_LANES == 4
VS_INLINE vf vs_fold_1(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 4, 2, 6) + __builtin_shufflevector(a, b, 1, 5, 3, 7); }
VS_INLINE vf vs_fold_2(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7); }
#else
VS_INLINE vf vs_fold_1(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 2) + __builtin_shufflevector(a, b, 1, 3); }
#endif

/* The square root of each lane, correctly rounded. Of GCC's functions, those for single numbers may call libm for what is negative, and
 * those for vectors differ between widths and versions. */
VS_INLINE vf vs_square_root(vf x) {
#if defined(__clang__)
    return __builtin_elementwise_sqrt(x);
#else
    vf root;
#if defined(__AVX__) && VS_REAL_BYTES == 4
    __asm__("vsqrtps {%1, %0|%0, %1}" : "=v"(root) : "v"(x));
#elif defined(__AVX__)
    __asm__("vsqrtpd {%1, %0|%0, %1}" : "=v"(root) : "v"(x));
#elif defined(__x86_64__) && VS_REAL_BYTES == 4
    __asm__("sqrtps {%1, %0|%0, %1}" : "=x"(root) : "x"(x));
#elif defined(__x86_64__)
    __asm__("sqrtpd {%1, %0|%0, %1}" : "=x"(root) : "x"(x));
#elif VS_REAL_BYTES == 4
    __asm__("fsqrt %0.4s, %1.4s" : "=w"(root) : "w"(x));
#else
    __asm__("fsqrt %0.2d, %1.2d" : "=w"(root) : "w"(x));
#endif
    return root;
#endif
}

VS_INLINE vf vs_magnitude(vf x) { return (vf)((vi)x & ~VS_SIGN_BIT); }

#if VS_REAL_BYTES == 4

/* 2^n for -126 <= n <= 127. */
VS_INLINE vf vs_power_of_two(vi n) { return (vf)((n + 127) << 23); }

/* Splits x into n * ln 2 + r with |r| <= ln 2 / 2; the upper part of ln 2 has so few bits that n times it is exact. */
VS_INLINE vf vs_reduce(vf x, vi *n) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    const vf shifted = x * 1.44269504f + magic;
    *n = (vi)shifted - 0x4b400000;
    const vf whole = shifted - magic;
    return (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
}

/* e^r - 1 for |r| <= ln 2 / 2: r + r^2 P(r), P a minimax fit of degree 5 with relative error 1.4e-9. */
VS_INLINE vf vs_expm1_reduced(vf r) {
    vf p = vs_splat(1.990761796e-4f);
    p = p * r + 1.393367595e-3f;
    p = p * r + 8.333285960e-3f;
    p = p * r + 4.166646468e-2f;
    p = p * r + 1.666666676e-1f;
    p = p * r + 5.000000013e-1f;
    return p * (r * r) + r;
}

VS_INLINE vf vs_exp(vf x) {
    x = vs_select(x > 89.0f, vs_splat(89.0f), x);   /* e^89 overflows */
    x = vs_select(x < -105.0f, vs_splat(-105.0f), x); /* e^-105 rounds to 0 */
    vi n;
    const vf r = vs_reduce(x, &n);
    const vi half = n >> 1; /* in two steps, so that neither scale leaves the range of exponents */
    return (vs_expm1_reduced(r) + 1.0f) * vs_power_of_two(half) * vs_power_of_two(n - half);
}

VS_INLINE vf vs_expm1(vf x) {
    x = vs_select(x > 89.0f, vs_splat(89.0f), x);
    x = vs_select(x < -30.0f, vs_splat(-30.0f), x); /* e^-30 - 1 rounds to -1 */
    vi n;
    const vf r = vs_reduce(x, &n);
    /* 2^n (q + 1) - 1 = 2^n (q + (1 - 2^-n)); 2^-n no longer matters above n = 60. */
    const vi capped = (vi)vs_select(n > 60, (vf)((vi){0} + 60), (vf)n);
    const vi half = n >> 1;
    return (vs_expm1_reduced(r) + (1.0f - vs_power_of_two(-capped))) * vs_power_of_two(half) * vs_power_of_two(n - half);
}

/* log(1 + x) for 0 <= x < 2^126. With w = 1 + x = 2^k (1 + f): f - f^2/2 + s (f^2/2 + R(s^2)), s = f / (2 + f), plus what
 * 1 + x lost in rounding. R is a minimax fit with relative error 1.1e-9. */
VS_INLINE vf vs_log1p(vf x) {
    const vf w = x + 1.0f;
    const vf lost = (x - (w - 1.0f)) / w;
    const vi k = ((vi)w - 0x3f3504f3) >> 23; /* puts 1 + f between sqrt(1/2) and sqrt(2) */
    const vf f = (vf)((vi)w - (k << 23)) - 1.0f;
    const vf s = f / (f + 2.0f);
    const vf z = s * s;
    vf r = vs_splat(2.333230565e-1f);
    r = r * z + 2.855073940e-1f;
    r = r * z + 4.000012275e-1f;
    r = r * z + 6.666666655e-1f;
    r = r * z;
    const vf h = f * f * 0.5f;
    const vf e = __builtin_convertvector(k, vf);
    return s * (h + r) + (e * -2.12194440e-4f + lost) - h + f + e * 0.693359375f;
}

VS_INLINE vf vs_with_sign_of(vf magnitude, vf x) { return (vf)((vi)magnitude | ((vi)x & VS_SIGN_BIT)); }

VS_INLINE vf vs_tanh(vf x) {
    vf a = vs_magnitude(x);
    a = vs_select(a > 10.0f, vs_splat(10.0f), a); /* tanh 10 rounds to 1 */
    const vf t = vs_expm1(a + a);
    return vs_with_sign_of(t / (t + 2.0f), x);
}

/* Below 0.93: x + x P(x^2), relative error 4.5e-10. Above: 1 - e^Q(|x|) with Q fitted to log erfc, error 4.6e-11. */
VS_INLINE vf vs_erf(vf x) {
    vf a = vs_magnitude(x);
    const vf z = a * a;
    vf p = vs_splat(8.345224870e-5f);
    p = p * z - 8.137437559e-4f;
    p = p * z + 5.200634306e-3f;
    p = p * z - 2.685927078e-2f;
    p = p * z + 1.128369394e-1f;
    p = p * z - 3.761263370e-1f;
    p = p * z + 1.283791666e-1f;
    const vf near = p * a + a;
    const vf t = vs_select(a > 4.0f, vs_splat(4.0f), a); /* erf 4 rounds to 1 */
    vf q = vs_splat(-2.109505144e-5f);
    q = q * t + 4.344626297e-4f;
    q = q * t - 4.171063091e-3f;
    q = q * t + 2.511942755e-2f;
    q = q * t - 1.082800896e-1f;
    q = q * t - 6.333469061e-1f;
    q = q * t - 1.129514931f;
    q = q * t + 1.746844481e-4f;
    const vf far = 1.0f - vs_exp(q);
    return vs_with_sign_of(vs_select(a > 0.93f, far, near), x);
}

#endif

/* Activations, one function per pointwise case of the Activation type. First those of comparisons, arithmetic and a square root, for
 * both element types. Where a comparison meets NaN, the result is x, not a constant. */
VS_INLINE vf vs_linear(vf x) { return x; }
VS_INLINE vf vs_relu(vf x) { return vs_select(x < 0.0f, vs_splat(0), x); } /* x > 0 ? x : 0 would turn NaN into 0 */
VS_INLINE vf vs_leaky_relu(vf x, vs_real slope) { return vs_select(x < 0.0f, x * slope, x); }
VS_INLINE vf vs_softsign(vf x) { return x / (vs_magnitude(x) + 1.0f); }
VS_INLINE vf vs_hard_sigmoid(vf x, vs_real slope) {
    const vf y = x * slope + 0.5f;
    return vs_select(y < 0.0f, vs_splat(0), vs_select(y > 1.0f, vs_splat(1), y));
}
VS_INLINE vf vs_clip(vf x, vs_real low, vs_real high) {
    return vs_select(x < low, vs_splat(low), vs_select(x > high, vs_splat(high), x));
}
VS_INLINE vf vs_rectified(vf x, vs_real slope, vs_real threshold, vs_real low, vs_real high) {
    /* 0 * infinity would be NaN. */
    const vf below = slope == 0.0f ? vs_splat(0) : (x - threshold) * slope;
    return vs_select(x <= threshold, below, vs_clip(x, low, high));
}
VS_INLINE vf vs_hard_silu(vf x) { return x * (vs_clip(x + 3.0f, 0.0f, 6.0f) * ((vs_real)1 / 6)); }
VS_INLINE vf vs_hard_tanh(vf x) { return vs_clip(x, -1.0f, 1.0f); }
VS_INLINE vf vs_hard_shrink(vf x, vs_real threshold) { return vs_select(vs_magnitude(x) <= threshold, vs_splat(0), x); }
VS_INLINE vf vs_soft_shrink(vf x, vs_real threshold) {
    return vs_select(x > threshold, x - threshold, vs_select(x < -threshold, x + threshold, x * 0.0f));
}
VS_INLINE vf vs_sparse_plus(vf x) {
    const vf u = x * 0.5f + 0.5f;
    return vs_select(x <= -1.0f, vs_splat(0), vs_select(x >= 1.0f, x, u * u));
}
VS_INLINE vf vs_squareplus(vf x, vs_real b, vs_real scale) { /* b times scale * scale */
    const vf a = vs_magnitude(x) * scale;
    /* Above VS_LARGE the square would overflow soon, and b no longer matters. */
    const vf root = vs_select(a > VS_LARGE, a, vs_square_root(a * a + b));
    /* x + root cancels below 0, where it equals b / (root - x). */
    return ((vs_real)0.5 / scale) * vs_select(x < 0.0f, b / (root + a), a + root);
}
VS_INLINE vf vs_threshold(vf x, vs_real threshold, vs_real value) { return vs_select(x <= threshold, vs_splat(value), x); }

#if VS_REAL_BYTES == 4
VS_INLINE vf vs_elu(vf x, float alpha) { return vs_select(x > 0.0f, x, vs_expm1(x) * alpha); }
VS_INLINE vf vs_selu(vf x, float scale, float alpha) { return vs_elu(x, alpha) * scale; }
VS_INLINE vf vs_exponential(vf x) { return vs_exp(x); }
VS_INLINE vf vs_sigmoid(vf x) {
    const vf t = vs_exp(-vs_magnitude(x)); /* never overflows, so small results keep their digits */
    return vs_select(x < 0.0f, t, vs_splat(1)) / (t + 1.0f);
}
VS_INLINE vf vs_silu(vf x) { return x * vs_sigmoid(x); }
VS_INLINE vf vs_softplus(vf x) { return vs_select(x < 0.0f, vs_splat(0), x) + vs_log1p(vs_exp(-vs_magnitude(x))); }
VS_INLINE vf vs_gelu(vf x) { return x * 0.5f * (vs_erf(x * 0.70710678f) + 1.0f); }
VS_INLINE vf vs_gelu_tanh(vf x) {
    return x * 0.5f * (vs_tanh((x * x * x * 0.044715f + x) * 0.79788456f) + 1.0f);
}
VS_INLINE vf vs_celu(vf x, float alpha) { return vs_select(x > 0.0f, x, vs_expm1(x / alpha) * alpha); }
VS_INLINE vf vs_log_sigmoid(vf x) { return -vs_softplus(-x); }
VS_INLINE vf vs_tanh_shrink(vf x) { return x - vs_tanh(x); }
VS_INLINE vf vs_mish(vf x) {
    /* With t = e^x, tanh(log(1 + t)) = n / (n + 2) for n = t (t + 2), which rounds to 1 above x = 20. */
    const vf t = vs_exp(vs_select(x > 20.0f, vs_splat(20), x));
    const vf n = t * (t + 2.0f);
    return x * (n / (n + 2.0f));
}
#endif

#endif
