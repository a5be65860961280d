/* Innermost loops over the elements of tensors. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_CLOOPS_H
#define VOXELSMITH_CLOOPS_H

#include <stdint.h>

/* Every function has `bytes`, 4 for float and 8 for double, and gives the same bits with every instruction set. */

/* The number of an element is values[row * row_step + lane * lane_step]. */
typedef struct vs_numbers {
    const double *values;
    int64_t row_step;
    int64_t lane_step;
} vs_numbers;

/* A block of elements: `pitch` elements from one row to the next. */
typedef struct vs_block {
    int64_t rows;
    int64_t lanes;
    int64_t pitch;
} vs_block;

/* y = (x - numbers[0]) * numbers[1] * numbers[2] + numbers[3], computed in double and rounded once. x may be y. */
void vs_affine(int32_t bytes, vs_block block, const void *x, void *y, const vs_numbers *numbers);

/* y = x > 0 ? x : alpha * x. x may be y. */
void vs_slope(int32_t bytes, vs_block block, const void *x, void *y, vs_numbers alpha);

typedef enum vs_function { VS_COPY, VS_ADD, VS_SUBTRACT, VS_MULTIPLY, VS_DIVIDE, VS_MAXIMUM, VS_MINIMUM } vs_function;

/* y = function(y, x), of which VS_COPY is x. x is at row * row_step + lane * lane_step and overlaps y only where it is y. A NaN is larger and smaller
 * than any number. */
void vs_fold(vs_function function, int32_t bytes, vs_block block, void *y, const void *x, int64_t row_step, int64_t lane_step);

typedef enum vs_sum { VS_SUM, VS_SQUARES, VS_LARGEST, VS_SMALLEST } vs_sum;

/* For each lane, over all rows: sums[lane] += x or its square, or sums[lane] = the larger or the smaller of it and x, which a NaN is. In an order that
 * depends on the block alone. */
void vs_reduce(vs_sum sum, int32_t bytes, vs_block block, const void *x, double *sums);

/* For each lane, over all rows, of which there is one at least: the mean, and the sum of the squares about it.
 *
 * The block is read once, and an eighth of its rows twice: what is summed are deviations from the mean c of that eighth, and their squares. From
 * those of n rows follow the mean m = c + sum / n and the squares about it, squares - sum^2 / n. As c is the mean of k of the numbers,
 * k (c - m)^2 is at most the sum S of squares about m. So what is summed, S + n (c - m)^2, is at most 1 + n / k times S (less than 17 for any
 * n): the error of S is below 17 (n + 3) 2^-53 S, beside what comes of a center that is rounded, which is below 2 n (n 2^-53 x)^2 for numbers
 * up to x. The mean has the error of (n + 2) 2^-53 deviations, and its own rounding. */
void vs_moments(int32_t bytes, vs_block block, const void *x, double *means, double *squares);

/* The same for each row, the numbers of a row following each other: two readings, about the mean of the whole row. */
void vs_row_moments(int32_t bytes, int64_t rows, int64_t length, const void *x, double *means, double *squares);

/* One row of windows along the last axis of a volume whose voxels have `lanes` elements. */
typedef struct vs_windows {
    int64_t extents[3];
    int64_t lanes;
    int64_t depth[2], height[2]; /* first and one past the last */
    const int64_t *width;        /* two for each window */
    int64_t count;
} vs_windows;

/* The largest element of each window; a NaN is larger than any number. */
void vs_largest(int32_t bytes, const vs_windows *windows, const void *volume, void *y);

/* The mean of each window, summed in double. `sums` has room for the lanes of one voxel. */
void vs_means(int32_t bytes, const vs_windows *windows, const void *volume, void *y, double *sums);

#endif
