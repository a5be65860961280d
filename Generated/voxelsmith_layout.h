/* Conversion between planes of one feature each (channels first) and voxels of neighbouring features (channels last), in
 * the vector extensions of clang and GCC. Copied beside generated kernels; voxelsmith_vectors.h comes first.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Planes are `plane` floats apart, voxels `voxel` floats. Nothing is read or written outside the runs of `count` voxels, with one
 * exception: voxels with more than half a vector of features have room for at least a whole vector each. It is read and written as a
 * whole, and what lies behind the last feature means nothing.
 */
#ifndef VOXELSMITH_LAYOUT_H
#define VOXELSMITH_LAYOUT_H

/* One step of a transposition: blocks of `step` lanes change places between two vectors. */
#if VS_LANES == 16
VS_INLINE void vs_swap_1(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
    *b = __builtin_shufflevector(x, y, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
}
VS_INLINE void vs_swap_2(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    *b = __builtin_shufflevector(x, y, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
VS_INLINE void vs_swap_4(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    *b = __builtin_shufflevector(x, y, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
}
VS_INLINE void vs_swap_8(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    *b = __builtin_shufflevector(x, y, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}
#elif VS_LANES == 8
VS_INLINE void vs_swap_1(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14);
    *b = __builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15);
}
VS_INLINE void vs_swap_2(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13);
    *b = __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15);
}
VS_INLINE void vs_swap_4(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11);
    *b = __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15);
}
#else
VS_INLINE void vs_swap_1(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 4, 2, 6);
    *b = __builtin_shufflevector(x, y, 1, 5, 3, 7);
}
VS_INLINE void vs_swap_2(vf *a, vf *b) {
    const vf x = *a, y = *b;
    *a = __builtin_shufflevector(x, y, 0, 1, 4, 5);
    *b = __builtin_shufflevector(x, y, 2, 3, 6, 7);
}
#endif

/* Lane j of vector i changes places with lane i of vector j. */
VS_INLINE void vs_transpose(vf *v) {
    VS_UNROLL_FULL
    for (int i = 0; i < VS_LANES; i += 2) vs_swap_1(v + i, v + i + 1);
    VS_UNROLL_FULL
    for (int i = 0; i < VS_LANES; ++i)
        if (!(i & 2)) vs_swap_2(v + i, v + i + 2);
#if VS_LANES > 4
    VS_UNROLL_FULL
    for (int i = 0; i < VS_LANES; ++i)
        if (!(i & 4)) vs_swap_4(v + i, v + i + 4);
#endif
#if VS_LANES > 8
    VS_UNROLL_FULL
    for (int i = 0; i < 8; ++i) vs_swap_8(v + i, v + i + 8);
#endif
}

/* A run of `count` voxels at `from`, of which each plane holds one feature, becomes voxels at `to`. Runs and features that do
 * not divide into blocks end with a block that overlaps the one before. */
VS_INLINE void vs_planes_to_voxels(const float *restrict from, int64_t plane, int features, int64_t count, float *restrict to, int64_t voxel) {
    if (2 * features <= VS_LANES || count < VS_LANES) {
        for (int64_t p = 0; p < count; ++p)
            for (int f = 0; f < features; ++f) to[p * voxel + f] = from[f * plane + p];
        return;
    }
    const int whole = features < VS_LANES ? 0 : features - VS_LANES;
    for (int f = 0; f < features; f += VS_LANES) {
        const int first = f < whole ? f : whole;
        for (int64_t p = 0; p < count; p += VS_LANES) {
            const int64_t place = p < count - VS_LANES ? p : count - VS_LANES;
            vf v[VS_LANES];
            VS_UNROLL_FULL
            for (int i = 0; i < VS_LANES; ++i) v[i] = vs_load(from + (first + i < features ? first + i : features - 1) * plane + place);
            vs_transpose(v);
            VS_UNROLL_FULL
            for (int i = 0; i < VS_LANES; ++i) vs_store(to + (place + i) * voxel + first, v[i]);
        }
    }
}

/* The reverse conversion. Where `streams` is set and all vectors of the planes have their natural alignment, stores bypass the caches.
 * This is for planes too large for any cache, whose lines would be read only to be overwritten. vs_end_streams() must be called before
 * other threads read the planes. */
VS_INLINE void vs_voxels_to_planes(const float *restrict from, int64_t voxel, int features, int64_t count, float *restrict to, int64_t plane,
                                   const int streams) {
    const int aligned = streams && (uintptr_t)to % sizeof(vf) == 0 && plane % VS_LANES == 0 && count % VS_LANES == 0;
    if (2 * features <= VS_LANES || count < VS_LANES) {
        for (int64_t p = 0; p < count; ++p)
            for (int f = 0; f < features; ++f) to[f * plane + p] = from[p * voxel + f];
        return;
    }
    const int whole = features < VS_LANES ? 0 : features - VS_LANES;
    for (int f = 0; f < features; f += VS_LANES) {
        const int first = f < whole ? f : whole;
        for (int64_t p = 0; p < count; p += VS_LANES) {
            const int64_t place = p < count - VS_LANES ? p : count - VS_LANES;
            vf v[VS_LANES];
            VS_UNROLL_FULL
            for (int i = 0; i < VS_LANES; ++i) v[i] = vs_load(from + (place + i) * voxel + first);
            vs_transpose(v);
            if (aligned) {
                VS_UNROLL_FULL
                for (int i = 0; i < VS_LANES; ++i)
                    if (first + i < features) vs_store_past(to + (first + i) * plane + place, v[i]);
                continue;
            }
            VS_UNROLL_FULL
            for (int i = 0; i < VS_LANES; ++i)
                if (first + i < features) vs_store(to + (first + i) * plane + place, v[i]);
        }
    }
}

#endif
