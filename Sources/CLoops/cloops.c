/* SPDX-License-Identifier: Apache-2.0 */
#include "cloops.h"

#include <math.h>
#include <stddef.h>

/* Contracted expressions would be rounded otherwise where there are fused multiply-adds. */
#pragma STDC FP_CONTRACT OFF

#define VS_CONCAT_(a, b) a##_##b
#define VS_CONCAT(a, b) VS_CONCAT_(a, b)
#define VS_INLINE static inline __attribute__((always_inline))
/* Source and target are apart or the same, element by element. */
#define VS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
/* The same for the lanes of a voxel, which are few: unrolled further, most would be left to a scalar remainder. */
#define VS_SHORT _Pragma("clang loop vectorize(assume_safety) interleave_count(1)")

typedef double vs_eight __attribute__((vector_size(64)));
/* Elements that the first-level caches hold beside the sums of their lanes. */
enum { VS_TILE = 4096 };

/* The mean and the sum of squares about it, from those about a center. Squares that overflow are infinite, not the difference of two infinities;
 * a difference that rounding has made negative is 0. */
VS_INLINE void vs_finish_moments(double count, double center, double sum, double square, double *mean, double *squares) {
    const double shift = sum / count;
    const double rest = square - sum * shift;
    *mean = center + shift;
    *squares = square == (double)INFINITY && __builtin_isfinite(sum) ? square : rest < 0 ? 0 : rest;
}

#define T float
#define SUFFIX float
#include "bodies.h"

#define T double
#define SUFFIX double
#include "bodies.h"

/* The always_inline bodies become code of an instruction set inside a function with its target attribute. Without min_vector_width clang splits
 * 64-byte vectors into halves. */
#if defined(__x86_64__)
#define VS_AVX2 __attribute__((target("avx2")))
#define VS_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"), min_vector_width(512)))

enum { BASELINE, AVX2, AVX512 };

static int instruction_set(void) {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw"))
        return AVX512;
    return __builtin_cpu_supports("avx2") ? AVX2 : BASELINE;
}

#define DISPATCH(name, arguments)                            \
    switch (instruction_set()) {                             \
    case AVX512: name##_avx512 arguments; break;             \
    case AVX2: name##_avx2 arguments; break;                 \
    default: name##_baseline arguments; break;               \
    }
/* Vectors of 32 bytes are enough for the lanes of a voxel. */
#define SHORT(name, parameters, body)                        \
    VS_AVX2 static void name##_avx2 parameters { body }      \
    static void name##_baseline parameters { body }
#define SHORT_DISPATCH(name, arguments)                      \
    if (instruction_set() == BASELINE) name##_baseline arguments; \
    else name##_avx2 arguments;
#define COMPILED(name, parameters, body)                     \
    VS_AVX512 static void name##_avx512 parameters { body }  \
    VS_AVX2 static void name##_avx2 parameters { body }      \
    static void name##_baseline parameters { body }
#else
#define DISPATCH(name, arguments) name##_baseline arguments;
#define SHORT_DISPATCH DISPATCH
#define COMPILED(name, parameters, body) static void name##_baseline parameters { body }
#define SHORT COMPILED
#endif

#define TYPED(call_float, call_double) \
    if (bytes == (int32_t)sizeof(float)) call_float; \
    else call_double;

COMPILED(affine, (int32_t bytes, vs_block block, const void *x, void *y, const vs_numbers *numbers),
         TYPED(affine_float(block, x, y, numbers), affine_double(block, x, y, numbers)))

/* Short rows without gaps are seen as rows of many times their length, so that vectors are full. */
enum { SHORT_LANES = 128, LONG_LANES = 512 };

/* How many rows are seen as one; 1 for those that stay as they are. */
static int64_t rows_in_one(vs_block block) {
    if (block.lanes <= 0 || block.lanes >= SHORT_LANES || block.pitch != block.lanes || block.rows <= 0) return 1;
    const int64_t times = LONG_LANES / block.lanes;
    return block.rows < times ? block.rows : times;
}

static vs_block joined(vs_block block, int64_t times) { return (vs_block){block.rows / times, block.lanes * times, block.lanes * times}; }

/* The numbers of a row, which are those of every row, as often as rows are seen as one. */
static vs_numbers repeated(vs_numbers numbers, vs_block block, int64_t times, double *room) {
    for (int64_t row = 0; row < times; row++) {
        for (int64_t lane = 0; lane < block.lanes; lane++) room[row * block.lanes + lane] = numbers.values[lane * numbers.lane_step];
    }
    return (vs_numbers){room, 0, 1};
}

void vs_affine(int32_t bytes, vs_block block, const void *x, void *y, const vs_numbers *numbers) {
    const int64_t times = rows_in_one(block);
    int alike = times > 1;
    for (int k = 0; k < 4; k++) alike = alike && numbers[k].row_step == 0;
    if (alike) {
        double room[4][LONG_LANES];
        vs_numbers own[4];
        for (int k = 0; k < 4; k++) own[k] = repeated(numbers[k], block, times, room[k]);
        DISPATCH(affine, (bytes, joined(block, times), x, y, own))
        const int64_t done = block.rows / times * times;
        block.rows -= done;
        x = (const char *)x + done * block.lanes * bytes;
        y = (char *)y + done * block.lanes * bytes;
    }
    DISPATCH(affine, (bytes, block, x, y, numbers))
}

COMPILED(slope, (int32_t bytes, vs_block block, const void *x, void *y, vs_numbers alpha),
         TYPED(slope_float(block, x, y, alpha), slope_double(block, x, y, alpha)))

void vs_slope(int32_t bytes, vs_block block, const void *x, void *y, vs_numbers alpha) {
    const int64_t times = rows_in_one(block);
    if (times > 1 && alpha.row_step == 0) {
        double room[LONG_LANES];
        DISPATCH(slope, (bytes, joined(block, times), x, y, repeated(alpha, block, times, room)))
        const int64_t done = block.rows / times * times;
        block.rows -= done;
        x = (const char *)x + done * block.lanes * bytes;
        y = (char *)y + done * block.lanes * bytes;
    }
    DISPATCH(slope, (bytes, block, x, y, alpha))
}

COMPILED(fold, (vs_function function, int32_t bytes, vs_block block, void *y, const void *x, int64_t row_step, int64_t lane_step),
         TYPED(fold_float(function, block, y, x, row_step, lane_step), fold_double(function, block, y, x, row_step, lane_step)))

void vs_fold(vs_function function, int32_t bytes, vs_block block, void *y, const void *x, int64_t row_step, int64_t lane_step) {
    DISPATCH(fold, (function, bytes, block, y, x, row_step, lane_step))
}

COMPILED(reduce, (vs_sum sum, int32_t bytes, vs_block block, const void *x, double *sums),
         TYPED(reduce_float(sum, block, x, sums), reduce_double(sum, block, x, sums)))

void vs_reduce(vs_sum sum, int32_t bytes, vs_block block, const void *x, double *sums) {
    const int64_t times = rows_in_one(block);
    if (times > 1) {
        double parts[LONG_LANES];
        const double start = sum == VS_LARGEST ? -INFINITY : sum == VS_SMALLEST ? INFINITY : 0;
        for (int64_t i = 0; i < times * block.lanes; i++) parts[i] = start;
        DISPATCH(reduce, (sum, bytes, joined(block, times), x, parts))
        for (int64_t part = 0; part < times; part++) {
            for (int64_t i = 0; i < block.lanes; i++) {
                const double value = parts[part * block.lanes + i];
                if (sum != VS_LARGEST && sum != VS_SMALLEST) sums[i] += value;
                else if ((sum == VS_LARGEST ? value > sums[i] : value < sums[i]) || value != value) sums[i] = value;
            }
        }
        const int64_t done = block.rows / times * times;
        block.rows -= done;
        x = (const char *)x + done * block.lanes * bytes;
    }
    DISPATCH(reduce, (sum, bytes, block, x, sums))
}

COMPILED(deviations, (int32_t bytes, vs_block block, const void *x, const double *center, double *sums, double *squares),
         TYPED(deviations_float(block, x, center, sums, squares), deviations_double(block, x, center, sums, squares)))

/* How many rows make lanes of whole vectors; as many as `rows_in_one` says where that would be too many. */
static int64_t rows_of_vectors(vs_block block) {
    int64_t times = 1;
    while (times * block.lanes % 16) times++;
    if (block.pitch != block.lanes || times * block.lanes > LONG_LANES || times > block.rows) return rows_in_one(block);
    return times;
}

void vs_moments(int32_t bytes, vs_block block, const void *x, double *means, double *squares) {
    enum { SAMPLE = 8 };
    const double count = (double)block.rows;
    const vs_block sample = {block.rows < SAMPLE ? 1 : block.rows / SAMPLE, block.lanes, block.pitch};
    for (int64_t i = 0; i < block.lanes; i++) means[i] = 0;
    vs_reduce(VS_SUM, bytes, sample, x, means);
    for (int64_t i = 0; i < block.lanes; i++) means[i] /= (double)sample.rows;
    /* Lanes at a time, so that what is summed finds room here. */
    const int64_t times = rows_of_vectors(block);
    for (int64_t first = 0; first < block.lanes; first += LONG_LANES) {
        const int64_t lanes = block.lanes - first < LONG_LANES ? block.lanes - first : LONG_LANES;
        double center[LONG_LANES], sums[LONG_LANES], own[LONG_LANES];
        const char *start = (const char *)x + first * bytes;
        vs_block rest = {block.rows, lanes, block.pitch};
        for (int64_t i = 0; i < times * lanes; i++) {
            center[i] = means[first + i % lanes];
            sums[i] = own[i] = 0;
        }
        if (times > 1) {
            DISPATCH(deviations, (bytes, joined(rest, times), start, center, sums, own))
            for (int64_t i = lanes; i < times * lanes; i++) {
                sums[i % lanes] += sums[i];
                own[i % lanes] += own[i];
            }
            const int64_t done = rest.rows / times * times;
            rest.rows -= done;
            start += done * lanes * bytes;
        }
        DISPATCH(deviations, (bytes, rest, start, center, sums, own))
        for (int64_t i = 0; i < lanes; i++) vs_finish_moments(count, center[i], sums[i], own[i], means + first + i, squares + first + i);
    }
}

COMPILED(row_moments, (int32_t bytes, int64_t rows, int64_t length, const void *x, double *means, double *squares),
         TYPED(row_moments_float(rows, length, x, means, squares), row_moments_double(rows, length, x, means, squares)))

void vs_row_moments(int32_t bytes, int64_t rows, int64_t length, const void *x, double *means, double *squares) {
    DISPATCH(row_moments, (bytes, rows, length, x, means, squares))
}

SHORT(largest, (int32_t bytes, const vs_windows *windows, const void *volume, void *y),
         TYPED(largest_float(windows, volume, y), largest_double(windows, volume, y)))

void vs_largest(int32_t bytes, const vs_windows *windows, const void *volume, void *y) { SHORT_DISPATCH(largest, (bytes, windows, volume, y)) }

SHORT(means, (int32_t bytes, const vs_windows *windows, const void *volume, void *y, double *sums),
         TYPED(means_float(windows, volume, y, sums), means_double(windows, volume, y, sums)))

void vs_means(int32_t bytes, const vs_windows *windows, const void *volume, void *y, double *sums) {
    SHORT_DISPATCH(means, (bytes, windows, volume, y, sums))
}
