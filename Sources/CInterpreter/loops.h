/* The loops for one pair of element types; included once per pair. SPDX-License-Identifier: Apache-2.0
 *
 * In: STORAGE, ARITHMETIC, SUFFIX (undefined again at the end). Out: panel_baseline, panel_avx2, panel_avx512 and dot_any,
 * always inlined, for cinterpreter.c to wrap. */
#define NAME(stem) VS_CONCAT(stem, all, SUFFIX)

/* Writes a tile whose columns do not lie side by side, or end within it: `height` positions from `m` on, the sums of each in `width`
 * columns from `first` on. Not inlined: its copies took 18 of the 29 s that clang needed
 * for this file. */
static __attribute__((noinline)) void NAME(scatter)(
    const vs_interp_task *task, int64_t m, int64_t first, const ARITHMETIC *values, int64_t width, int64_t height) {
    const STORAGE *bias = (const STORAGE *)task->bias;
    const int64_t rest = task->columns - first, count = rest < width ? rest : width, step = task->result_step;
    for (int64_t i = 0; i < height; ++i, values += width) {
        STORAGE *result = (STORAGE *)task->result + task->result_offsets[m + i] + first * step;
        for (int64_t column = 0; column < count; ++column) {
            ARITHMETIC value = values[column];
            if (bias) value += (ARITHMETIC)bias[first + column];
            result[column * step] = (STORAGE)value;
        }
    }
}

#define VECTOR_BYTES 16
#include "tile.h"
#define VECTOR_BYTES 32
#include "tile.h"
#define VECTOR_BYTES 64
#include "tile.h"

#define PANEL_(set, suffix) panel_##set##_##suffix
#define PANEL(set, suffix) PANEL_(set, suffix)
#define COLUMNS(bytes, vectors, height) VS_CONCAT(columns, bytes, SUFFIX)(task, block, first, width, vectors, height)

/* Goes through the blocks of columns; BODY handles `bytes` of one block from `column` (bytes) on and moves it. */
#define BLOCKS(BODY)                                                                                                 \
    const int64_t full = VS_INTERP_BLOCK_BYTES / (int64_t)sizeof(ARITHMETIC);                                        \
    const ARITHMETIC *block = (const ARITHMETIC *)task->weights;                                                     \
    for (int64_t begin = 0; begin < task->columns; begin += full) {                                                  \
        int64_t rest = (task->columns - begin) * (int64_t)sizeof(ARITHMETIC);                                        \
        int64_t bytes = rest <= 16 ? 16 : rest <= 32 ? 32 : rest >= 256 ? 256 : (rest + 63) / 64 * 64;               \
        int64_t width = bytes / (int64_t)sizeof(ARITHMETIC), first = begin;                                          \
        BODY                                                                                                         \
        block += task->weight_rows * width;                                                                          \
    }

/* Registers: vectors * height sums, `vectors` weights and one source value must fit in 16, or in 32 with AVX-512. */
VS_INLINE void PANEL(baseline, SUFFIX)(const vs_interp_task *task) {
    BLOCKS(
        if (bytes == 16) COLUMNS(16, 1, 8);
        else for (; bytes > 0; bytes -= 32, first += 32 / (int64_t)sizeof(ARITHMETIC)) COLUMNS(16, 2, 6);)
}

VS_INLINE void PANEL(avx2, SUFFIX)(const vs_interp_task *task) {
    BLOCKS(
        if (bytes == 16) COLUMNS(16, 1, 8);
        else if (bytes == 32) COLUMNS(32, 1, 8);
        else for (; bytes > 0; bytes -= 64, first += 64 / (int64_t)sizeof(ARITHMETIC)) COLUMNS(32, 2, 6);)
}

VS_INLINE void PANEL(avx512, SUFFIX)(const vs_interp_task *task) {
    BLOCKS(
        switch (bytes) {
        case 16: COLUMNS(16, 1, 8); break;
        case 32: COLUMNS(32, 1, 8); break;
        case 64: COLUMNS(64, 1, 8); break;
        case 128: COLUMNS(64, 2, 8); break;
        case 192: COLUMNS(64, 3, 8); break;
        default: COLUMNS(64, 4, 6); break;
        })
}

VS_INLINE void VS_CONCAT(dot, any, SUFFIX)(const vs_interp_task *task) {
    switch (task->dot_lanes * (int64_t)sizeof(ARITHMETIC)) {
    case 16: VS_CONCAT(dot, 16, SUFFIX)(task); break;
    case 32: VS_CONCAT(dot, 32, SUFFIX)(task); break;
    default: VS_CONCAT(dot, 64, SUFFIX)(task); break;
    }
}

#undef BLOCKS
#undef COLUMNS
#undef PANEL
#undef PANEL_
#undef NAME
#undef SUFFIX
#undef ARITHMETIC
#undef STORAGE
