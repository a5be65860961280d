/* What the processor this process runs on can do. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_HOSTCPU_H
#define VOXELSMITH_HOSTCPU_H

/* 1 when the processor has the named feature and the operating system saves its registers, 0 when not or when the name is
 * unknown. Names are those of LayerSpec's Target.Feature: sse42, avx, avx2, fma, f16c, bmi1, bmi2, avx512f, avx512vl, avx512bw,
 * avx512dq, avx512cd, popcnt, lzcnt, movbe, neon. */
int vs_host_supports(const char *feature);

#endif
