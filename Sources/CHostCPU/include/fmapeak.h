/* How fast one thread can multiply and add. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_FMAPEAK_H
#define VOXELSMITH_FMAPEAK_H

/* Measures float32 multiply-adds on the calling thread for 15 ms, with vectors of 64, 32 or 16 bytes, and returns the
 * best rate seen in GFLOP/s (two operations per multiply-add). Uses fused instructions where the processor has them. Returns 0
 * when the processor has no vectors of this width. */
double vs_fma_peak_gflops(int vector_bytes);

#endif
