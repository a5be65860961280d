/* The register tile for one vector size; included by loops.h once per size. SPDX-License-Identifier: Apache-2.0
 *
 * In: VECTOR_BYTES (undefined again at the end), STORAGE, ARITHMETIC, SUFFIX. `vectors` and `height` are constants at every
 * call, so that after inlining the arrays below are registers. */
#define LANES (VECTOR_BYTES / (int)sizeof(ARITHMETIC))
#define TILE(stem) VS_CONCAT(stem, VECTOR_BYTES, SUFFIX)
/* A statement for each sum, of position `i` and vector `j` of a tile. */
#define SUMS(STATEMENT)                                                                                              \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < height; ++i)                                              \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < vectors; ++j) STATEMENT;

typedef ARITHMETIC TILE(vector) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(ARITHMETIC)), may_alias));
typedef STORAGE TILE(stored)
    __attribute__((vector_size(LANES * sizeof(STORAGE)), aligned(sizeof(STORAGE)), may_alias));

/* Writes one vector of position `m`, columns from `column` on, all of which exist and lie side by side. */
VS_INLINE void TILE(store)(const vs_interp_task *task, int64_t m, int64_t column, const TILE(vector) *sum) {
    const STORAGE *bias = (const STORAGE *)task->bias;
    TILE(vector) value = *sum;
    if (bias) value += __builtin_convertvector(*(const TILE(stored) *)(bias + column), TILE(vector));
    *(TILE(stored) *)((STORAGE *)task->result + task->result_offsets[m] + column) = __builtin_convertvector(value, TILE(stored));
}

/* `height` positions from `m` on, `vectors` vectors of columns from `first` on; `weights` is the first of those columns. */
VS_INLINE void TILE(tile)(
    const vs_interp_task *task, const ARITHMETIC *weights, int64_t width, int64_t first, int64_t m, const int vectors,
    const int height) {
    TILE(vector) sum[8][4];
    ARITHMETIC *kept = (ARITHMETIC *)task->accumulators;
    SUMS(sum[i][j] = kept ? *(const TILE(vector) *)(kept + (m + i) * task->accumulator_pitch + first + j * LANES)
                          : (TILE(vector)){0})

    const int64_t reduction = task->reduction, step = task->source_step;
    for (int64_t p = 0; p < task->pair_count; ++p) {
        const STORAGE *source[8];
#pragma clang loop unroll(full)
        for (int i = 0; i < height; ++i)
            source[i] = (const STORAGE *)task->source + task->pairs[p].source + task->source_offsets[m + i];
        const ARITHMETIC *row = weights + task->pairs[p].weight * width;
        int64_t at = 0;
#pragma clang loop unroll(disable) vectorize(disable)
        for (int64_t k = 0; k < reduction; ++k, at += step, row += width) {
            TILE(vector) weight[4];
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; ++j) weight[j] = *(const TILE(vector) *)(row + j * LANES);
#pragma clang loop unroll(full)
            for (int i = 0; i < height; ++i) {
                TILE(vector) value = (ARITHMETIC)source[i][at] - (TILE(vector)){0};
#pragma clang loop unroll(full)
                for (int j = 0; j < vectors; ++j) sum[i][j] += weight[j] * value;
            }
        }
    }

    if (kept) {
        SUMS(*(TILE(vector) *)(kept + (m + i) * task->accumulator_pitch + first + j * LANES) = sum[i][j])
    } else if (task->result_step == 1 && first + vectors * LANES <= task->columns) {
        SUMS(TILE(store)(task, m + i, first + j * LANES, &sum[i][j]))
    } else {
        ARITHMETIC values[8 * 4 * LANES];
        SUMS(*(TILE(vector) *)(values + (i * vectors + j) * LANES) = sum[i][j])
        NAME(scatter)(task, m, first, values, vectors * LANES, height);
    }
}

/* All positions, for `vectors` vectors of columns from `first` on, in a block of `width` columns. */
VS_INLINE void TILE(columns)(
    const vs_interp_task *task, const ARITHMETIC *block, int64_t first, int64_t width, const int vectors, const int height) {
    const int64_t full = VS_INTERP_BLOCK_BYTES / (int64_t)sizeof(ARITHMETIC);
    const ARITHMETIC *weights = block + first % full;
    int64_t m = 0, end = task->positions;
    for (; m + height <= end; m += height) TILE(tile)(task, weights, width, first, m, vectors, height);
    if (m + 4 <= end) TILE(tile)(task, weights, width, first, m, vectors, 4), m += 4;
    if (m + 2 <= end) TILE(tile)(task, weights, width, first, m, vectors, 2), m += 2;
    if (m < end) TILE(tile)(task, weights, width, first, m, vectors, 1);
}

/* `height` positions and one column, summed along the reduction in LANES partial sums that are added pairwise at the end. */
VS_INLINE void TILE(dots)(
    const vs_interp_task *task, const ARITHMETIC *weights, int64_t column, int64_t m, const int height) {
    TILE(vector) sum[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < height; ++i) sum[i] = (TILE(vector)){0};
    const int64_t reduction = task->reduction;
    for (int64_t p = 0; p < task->pair_count; ++p) {
        const STORAGE *source[8];
#pragma clang loop unroll(full)
        for (int i = 0; i < height; ++i)
            source[i] = (const STORAGE *)task->source + task->pairs[p].source + task->source_offsets[m + i];
        const ARITHMETIC *row = weights + task->pairs[p].weight;
#pragma clang loop unroll(disable) vectorize(disable)
        for (int64_t k = 0; k < reduction; k += LANES) {
            TILE(vector) weight = *(const TILE(vector) *)(row + k);
#pragma clang loop unroll(full)
            for (int i = 0; i < height; ++i)
                sum[i] += weight * __builtin_convertvector(*(const TILE(stored) *)(source[i] + k), TILE(vector));
        }
    }
    const STORAGE *bias = (const STORAGE *)task->bias;
#pragma clang loop unroll(full)
    for (int i = 0; i < height; ++i) {
        ARITHMETIC part[LANES];
#pragma clang loop unroll(full)
        for (int lane = 0; lane < LANES; ++lane) part[lane] = sum[i][lane];
#pragma clang loop unroll(full)
        for (int half = LANES / 2; half > 0; half /= 2)
#pragma clang loop unroll(full)
            for (int lane = 0; lane < half; ++lane) part[lane] += part[lane + half];
        if (bias) part[0] += (ARITHMETIC)bias[column];
        ((STORAGE *)task->result)[task->result_offsets[m + i] + column * task->result_step] = (STORAGE)part[0];
    }
}

VS_INLINE void TILE(dot)(const vs_interp_task *task) {
    for (int64_t column = 0; column < task->columns; ++column) {
        const ARITHMETIC *weights = (const ARITHMETIC *)task->weights + column * task->weight_rows;
        int64_t m = 0, end = task->positions;
        for (; m + 8 <= end; m += 8) TILE(dots)(task, weights, column, m, 8);
        if (m + 4 <= end) TILE(dots)(task, weights, column, m, 4), m += 4;
        if (m + 2 <= end) TILE(dots)(task, weights, column, m, 2), m += 2;
        if (m < end) TILE(dots)(task, weights, column, m, 1);
    }
}

#undef SUMS
#undef TILE
#undef LANES
#undef VECTOR_BYTES
