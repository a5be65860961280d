/* The loops for one type of elements, T. Included by cloops.c with T and SUFFIX defined. SPDX-License-Identifier: Apache-2.0 */

#define BODY(name) VS_CONCAT(name, SUFFIX)

/* One row of `vs_affine`; `outer` and `inner` say whether the first and the last two numbers change from lane to lane. */
VS_INLINE void BODY(affine_row)(
    int64_t lanes, const T *x, T *y, const double *a, const double *b, const double *c, const double *d, int outer, int inner) {
    VS_INDEPENDENT
    for (int64_t i = 0; i < lanes; i++) {
        y[i] = (T)((((double)x[i] - a[outer ? i : 0]) * b[outer ? i : 0]) * c[inner ? i : 0] + d[inner ? i : 0]);
    }
}

VS_INLINE void BODY(affine_any)(int64_t lanes, const T *x, T *y, const double *const *n, const vs_numbers *numbers) {
    for (int64_t i = 0; i < lanes; i++) {
        double value = (double)x[i] - n[0][i * numbers[0].lane_step];
        y[i] = (T)(value * n[1][i * numbers[1].lane_step] * n[2][i * numbers[2].lane_step] + n[3][i * numbers[3].lane_step]);
    }
}

VS_INLINE void BODY(affine)(vs_block block, const T *x, T *y, const vs_numbers *numbers) {
    const int64_t outer = numbers[0].lane_step, inner = numbers[2].lane_step;
    const int paired = numbers[1].lane_step == outer && numbers[3].lane_step == inner;
    for (int64_t row = 0; row < block.rows; row++, x += block.pitch, y += block.pitch) {
        const double *n[4];
        for (int k = 0; k < 4; k++) n[k] = numbers[k].values + row * numbers[k].row_step;
        if (paired && outer == 1 && inner == 1) BODY(affine_row)(block.lanes, x, y, n[0], n[1], n[2], n[3], 1, 1);
        else if (paired && outer == 0 && inner == 1) BODY(affine_row)(block.lanes, x, y, n[0], n[1], n[2], n[3], 0, 1);
        else if (paired && outer == 1 && inner == 0) BODY(affine_row)(block.lanes, x, y, n[0], n[1], n[2], n[3], 1, 0);
        else if (paired && outer == 0 && inner == 0) BODY(affine_row)(block.lanes, x, y, n[0], n[1], n[2], n[3], 0, 0);
        else BODY(affine_any)(block.lanes, x, y, n, numbers);
    }
}

VS_INLINE void BODY(slope_row)(int64_t lanes, const T *x, T *y, const double *alpha, int changes) {
    VS_INDEPENDENT
    for (int64_t i = 0; i < lanes; i++) {
        double value = (double)x[i];
        double scaled = alpha[changes ? i : 0] * value;
        y[i] = (T)(value > 0 ? value : scaled);
    }
}

VS_INLINE void BODY(slope)(vs_block block, const T *x, T *y, vs_numbers alpha) {
    for (int64_t row = 0; row < block.rows; row++, x += block.pitch, y += block.pitch) {
        const double *values = alpha.values + row * alpha.row_step;
        if (alpha.lane_step == 1) BODY(slope_row)(block.lanes, x, y, values, 1);
        else BODY(slope_row)(block.lanes, x, y, values, 0);
    }
}

/* Sums, differences, products and quotients of two floats have the same bits whether they are rounded from double or computed in float. */
#define FOLD(name, expression)                                                                         \
    VS_INLINE void BODY(name)(vs_block block, T *y, const T *x, int64_t row_step, int64_t lane_step) { \
        for (int64_t row = 0; row < block.rows; row++, y += block.pitch, x += row_step) {              \
            if (lane_step == 1) {                                                                      \
                VS_INDEPENDENT                                                                         \
                for (int64_t i = 0; i < block.lanes; i++) {                                            \
                    T a = y[i], b = x[i];                                                              \
                    (void)a;                                                                           \
                    y[i] = expression;                                                                 \
                }                                                                                      \
            } else if (lane_step == 0) {                                                               \
                const T b = x[0];                                                                      \
                VS_INDEPENDENT                                                                         \
                for (int64_t i = 0; i < block.lanes; i++) {                                            \
                    T a = y[i];                                                                        \
                    (void)a;                                                                           \
                    y[i] = expression;                                                                 \
                }                                                                                      \
            } else {                                                                                   \
                for (int64_t i = 0; i < block.lanes; i++) {                                            \
                    T a = y[i], b = x[i * lane_step];                                                  \
                    (void)a;                                                                           \
                    y[i] = expression;                                                                 \
                }                                                                                      \
            }                                                                                          \
        }                                                                                              \
    }
FOLD(fold_repeat, b)
FOLD(fold_add, a + b)
FOLD(fold_subtract, a - b)
FOLD(fold_multiply, a *b)
FOLD(fold_divide, a / b)
FOLD(fold_maximum, (a > b || a != a) ? a : b)
FOLD(fold_minimum, (a < b || a != a) ? a : b)
#undef FOLD

VS_INLINE void BODY(fold_copy)(vs_block block, T *y, const T *x, int64_t row_step, int64_t lane_step) {
    if (lane_step != 1) {
        BODY(fold_repeat)(block, y, x, row_step, lane_step);
    } else if (x != y) {
        for (int64_t row = 0; row < block.rows; row++) {
            __builtin_memcpy(y + row * block.pitch, x + row * row_step, (size_t)block.lanes * sizeof(T));
        }
    }
}

VS_INLINE void BODY(fold)(vs_function function, vs_block block, T *y, const T *x, int64_t row_step, int64_t lane_step) {
    switch (function) {
    case VS_COPY: BODY(fold_copy)(block, y, x, row_step, lane_step); break;
    case VS_ADD: BODY(fold_add)(block, y, x, row_step, lane_step); break;
    case VS_SUBTRACT: BODY(fold_subtract)(block, y, x, row_step, lane_step); break;
    case VS_MULTIPLY: BODY(fold_multiply)(block, y, x, row_step, lane_step); break;
    case VS_DIVIDE: BODY(fold_divide)(block, y, x, row_step, lane_step); break;
    case VS_MAXIMUM: BODY(fold_maximum)(block, y, x, row_step, lane_step); break;
    case VS_MINIMUM: BODY(fold_minimum)(block, y, x, row_step, lane_step); break;
    }
}

VS_INLINE void BODY(sum_rows)(vs_block block, const T *x, int squares, double *sums) {
    for (int64_t row = 0; row < block.rows; row++, x += block.pitch) {
        VS_INDEPENDENT
        for (int64_t i = 0; i < block.lanes; i++) {
            double value = (double)x[i];
            sums[i] += squares ? value * value : value;
        }
    }
}

VS_INLINE void BODY(reduce)(vs_sum sum, vs_block block, const T *x, double *sums) {
    if (sum == VS_SQUARES) {
        BODY(sum_rows)(block, x, 1, sums);
    } else if (sum == VS_SUM) {
        BODY(sum_rows)(block, x, 0, sums);
    } else if (sum == VS_SMALLEST) {
        for (int64_t row = 0; row < block.rows; row++, x += block.pitch) {
            VS_INDEPENDENT
            for (int64_t i = 0; i < block.lanes; i++) {
                double value = (double)x[i];
                sums[i] = value < sums[i] || value != value ? value : sums[i];
            }
        }
    } else {
        for (int64_t row = 0; row < block.rows; row++, x += block.pitch) {
            VS_INDEPENDENT
            for (int64_t i = 0; i < block.lanes; i++) {
                double value = (double)x[i];
                sums[i] = value > sums[i] || value != value ? value : sums[i];
            }
        }
    }
}

/* Eight neighbours, in double. */
typedef T BODY(eight) __attribute__((vector_size(8 * sizeof(T))));
#define EIGHT(name, source)                                                \
    vs_eight name;                                                         \
    {                                                                      \
        BODY(eight) loaded;                                                \
        __builtin_memcpy(&loaded, (source), sizeof loaded);                \
        name = __builtin_convertvector(loaded, vs_eight);                  \
    }

/* Adds what the elements of each lane are more than its center, and the squares of that, to sums and squares. Sixteen lanes at a time stay in
 * registers, for as many rows as the first-level cache holds. */
VS_INLINE void BODY(deviations)(vs_block block, const T *x, const double *center, double *sums, double *squares) {
    const int64_t most = VS_TILE / block.lanes > 1 ? VS_TILE / block.lanes : 1;
    for (int64_t first = 0; first < block.rows; first += most, x += most * block.pitch) {
        const int64_t rows = block.rows - first < most ? block.rows - first : most;
        int64_t lane = 0;
        for (; lane + 16 <= block.lanes; lane += 16) {
            vs_eight c[2], s[2], q[2];
            __builtin_memcpy(c, center + lane, sizeof c);
            __builtin_memcpy(s, sums + lane, sizeof s);
            __builtin_memcpy(q, squares + lane, sizeof q);
            const T *row = x + lane;
            for (int64_t left = rows; left > 0; left--, row += block.pitch) {
                EIGHT(low, row)
                EIGHT(high, row + 8)
                low -= c[0];
                high -= c[1];
                s[0] += low;
                s[1] += high;
                q[0] += low * low;
                q[1] += high * high;
            }
            __builtin_memcpy(sums + lane, s, sizeof s);
            __builtin_memcpy(squares + lane, q, sizeof q);
        }
        for (; lane < block.lanes; lane++) {
            const T *row = x + lane;
            for (int64_t left = rows; left > 0; left--, row += block.pitch) {
                const double value = (double)*row - center[lane];
                sums[lane] += value;
                squares[lane] += value * value;
            }
        }
    }
}

/* Every row by itself. Lanes of a vector are added in their order. */
VS_INLINE void BODY(row_moments)(int64_t rows, int64_t length, const T *x, double *means, double *squares) {
    for (int64_t row = 0; row < rows; row++, x += length) {
        vs_eight sum = {0};
        int64_t i = 0;
        for (; i + 8 <= length; i += 8) {
            EIGHT(value, x + i)
            sum += value;
        }
        double total = 0;
        for (; i < length; i++) total += (double)x[i];
        for (int lane = 0; lane < 8; lane++) total += sum[lane];
        const double center = total / (double)length;
        vs_eight s = {0}, q = {0};
        for (i = 0; i + 8 <= length; i += 8) {
            EIGHT(value, x + i)
            value -= center;
            s += value;
            q += value * value;
        }
        double deviation = 0, square = 0;
        for (; i < length; i++) {
            const double value = (double)x[i] - center;
            deviation += value;
            square += value * value;
        }
        for (int lane = 0; lane < 8; lane++) {
            deviation += s[lane];
            square += q[lane];
        }
        vs_finish_moments((double)length, center, deviation, square, means + row, squares + row);
    }
}
#undef EIGHT

/* The elements of one window, voxel by voxel. */
#define FOR_EACH_VOXEL(w, first, last)                                                                   \
    for (int64_t z = (w)->depth[0]; z < (w)->depth[1]; z++)                                              \
        for (int64_t row = (w)->height[0]; row < (w)->height[1]; row++)                                  \
            for (const T *voxel = volume + ((z * (w)->extents[1] + row) * (w)->extents[2] + (first)) * (w)->lanes, \
                         *end = voxel + ((last) - (first)) * (w)->lanes;                                 \
                 voxel < end; voxel += (w)->lanes)

VS_INLINE void BODY(largest)(const vs_windows *w, const T *volume, T *y) {
    for (int64_t index = 0; index < w->count; index++, y += w->lanes) {
        const int64_t first = w->width[2 * index], last = w->width[2 * index + 1];
        for (int64_t i = 0; i < w->lanes; i++) y[i] = -(T)INFINITY;
        FOR_EACH_VOXEL(w, first, last) {
            VS_SHORT
            for (int64_t i = 0; i < w->lanes; i++) y[i] = voxel[i] > y[i] || voxel[i] != voxel[i] ? voxel[i] : y[i];
        }
    }
}

VS_INLINE void BODY(means)(const vs_windows *w, const T *volume, T *y, double *sums) {
    for (int64_t index = 0; index < w->count; index++, y += w->lanes) {
        const int64_t first = w->width[2 * index], last = w->width[2 * index + 1];
        const double count = (double)((w->depth[1] - w->depth[0]) * (w->height[1] - w->height[0]) * (last - first));
        for (int64_t i = 0; i < w->lanes; i++) sums[i] = 0;
        FOR_EACH_VOXEL(w, first, last) {
            VS_SHORT
            for (int64_t i = 0; i < w->lanes; i++) sums[i] += (double)voxel[i];
        }
        VS_SHORT
        for (int64_t i = 0; i < w->lanes; i++) y[i] = (T)(sums[i] / count);
    }
}

#undef FOR_EACH_VOXEL
#undef BODY
#undef T
#undef SUFFIX
