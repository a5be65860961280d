/* Innermost loops of the interpreter kernel. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_CINTERPRETER_H
#define VOXELSMITH_CINTERPRETER_H

#include <stdint.h>

/* Instruction sets the loops are compiled for. */
enum { VS_INTERP_BASELINE = 0, VS_INTERP_AVX2 = 1, VS_INTERP_AVX512 = 2 };

/* Bytes of one row of a full block of columns. */
enum { VS_INTERP_BLOCK_BYTES = 256 };

/* One run of products: `reduction` source elements from `source` on meet as many rows of the weights from `weight` on. */
typedef struct vs_interp_pair {
    int64_t source; /* elements from the task's source */
    int64_t weight; /* row of the weights */
} vs_interp_pair;

/* result[m][n] = sum over pairs p, 0 <= k < reduction of source[p.source + offsets[m] + k * step] * weights[p.weight + k][n],
 * added in this order, plus bias[n]. */
typedef struct vs_interp_task {
    const vs_interp_pair *pairs;
    int64_t pair_count;
    int64_t reduction;
    const void *source;            /* storage type */
    int64_t source_step;           /* elements from one k to the next */
    const int64_t *source_offsets; /* one per position m */
    int64_t positions;
    const void *weights;     /* arithmetic type, 16-byte aligned; see `vs_interp_run` and `vs_interp_dot` */
    int64_t weight_rows;     /* rows of the whole panel */
    int64_t columns;         /* n */
    const void *bias;        /* storage type, one per column; null for none */
    void *result;            /* storage type */
    const int64_t *result_offsets; /* one per position m */
    int64_t result_step;           /* elements from one column to the next */
    /* When not null, sums begin with these values and go back here (arithmetic type) instead of to `result`: position m,
     * column n at m * accumulator_pitch + n, padded columns included. */
    void *accumulators;
    int64_t accumulator_pitch;
    int32_t storage_bytes;    /* of an element: 4 for float, 8 for double */
    int32_t arithmetic_bytes; /* likewise */
    int32_t instruction_set; /* one the host has */
    /* Elements of one vector along the reduction, for `vs_interp_dot`: 16, 32 or 64 bytes, and a divisor of `reduction`. */
    int32_t dot_lanes;
} vs_interp_task;

/* The widest instruction set of this host. */
int32_t vs_interp_instruction_set(void);

/* Lanes along the columns. The weights are blocks of columns, each [weight_rows][width]: full blocks of VS_INTERP_BLOCK_BYTES,
 * then one for the rest, whose width is 16, 32, 64, 128 or 192 bytes, padded with zeros. */
void vs_interp_run(const vs_interp_task *task);

/* Lanes along the reduction, for few columns. Needs source_step 1 and no accumulators; the weights are [columns][weight_rows]. */
void vs_interp_dot(const vs_interp_task *task);

/* The longest row that `vs_interp_softmax` takes. */
enum { VS_INTERP_SOFTMAX_LENGTH = 64 };

/* Activations of float elements in their place: computed in double precision, with exponentials within 1 ulp of it, and rounded once. The same bits
 * with every instruction set, and wherever an element or a row stands. */

/* e^(x - largest) / sum of each row, the sum being taken in the order of the row. A NaN makes its row NaN; so does an infinity, and so do minus
 * infinities alone. */
void vs_interp_softmax(int64_t rows, int64_t length, float *x);

/* 1 / (1 + e^-x) */
void vs_interp_sigmoid(int64_t count, float *x);

/* x / (1 + e^-x) */
void vs_interp_silu(int64_t count, float *x);

/* x < 0: slope * x, else x */
void vs_interp_leaky(int64_t count, float *x, double slope);

#endif
