/* The constants of the kernel ABI as typed values, for Swift: it does not import macros that use UINT64_C.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_KERNEL_ABI_CONSTANTS_H
#define VOXELSMITH_KERNEL_ABI_CONSTANTS_H

#include "voxelsmith_kernel_abi.h"

static const uint64_t vs_plugin_magic = VS_PLUGIN_MAGIC;
static const uint64_t vs_cpu_sse42 = VS_CPU_SSE42;
static const uint64_t vs_cpu_avx = VS_CPU_AVX;
static const uint64_t vs_cpu_avx2 = VS_CPU_AVX2;
static const uint64_t vs_cpu_fma = VS_CPU_FMA;
static const uint64_t vs_cpu_f16c = VS_CPU_F16C;
static const uint64_t vs_cpu_bmi1 = VS_CPU_BMI1;
static const uint64_t vs_cpu_bmi2 = VS_CPU_BMI2;
static const uint64_t vs_cpu_avx512f = VS_CPU_AVX512F;
static const uint64_t vs_cpu_avx512vl = VS_CPU_AVX512VL;
static const uint64_t vs_cpu_avx512bw = VS_CPU_AVX512BW;
static const uint64_t vs_cpu_avx512dq = VS_CPU_AVX512DQ;
static const uint64_t vs_cpu_avx512cd = VS_CPU_AVX512CD;
static const uint64_t vs_cpu_popcnt = VS_CPU_POPCNT;
static const uint64_t vs_cpu_lzcnt = VS_CPU_LZCNT;
static const uint64_t vs_cpu_movbe = VS_CPU_MOVBE;
static const uint64_t vs_cpu_neon = VS_CPU_NEON;

#endif
