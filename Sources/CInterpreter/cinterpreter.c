/* SPDX-License-Identifier: Apache-2.0 */
#include "cinterpreter.h"

#include <stddef.h>

#define VS_CONCAT_(a, b, c) a##_##b##_##c
#define VS_CONCAT(a, b, c) VS_CONCAT_(a, b, c)
#define VS_INLINE static inline __attribute__((always_inline))

/* loops.h: STORAGE and ARITHMETIC are the element types, SUFFIX names them. */
#define STORAGE float
#define ARITHMETIC float
#define SUFFIX ff
#include "loops.h"

#define STORAGE double
#define ARITHMETIC double
#define SUFFIX dd
#include "loops.h"

#define STORAGE float
#define ARITHMETIC double
#define SUFFIX fd
#include "loops.h"

#define STORAGE double
#define ARITHMETIC float
#define SUFFIX df
#include "loops.h"

/* The always_inline bodies become code of an instruction set inside a function with its target attribute.
 * Without min_vector_width clang splits 64-byte vectors into halves. */
#if defined(__x86_64__)
#define VS_AVX2 __attribute__((target("avx2,fma")))
#define VS_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"), min_vector_width(512)))
#define VS_WIDE(suffix)                                                                                              \
    VS_AVX2 static void run_avx2_##suffix(const vs_interp_task *task) { panel_avx2_##suffix(task); }                 \
    VS_AVX512 static void run_avx512_##suffix(const vs_interp_task *task) { panel_avx512_##suffix(task); }           \
    VS_AVX2 static void dot_avx2_##suffix(const vs_interp_task *task) { dot_any_##suffix(task); }                    \
    VS_AVX512 static void dot_avx512_##suffix(const vs_interp_task *task) { dot_any_##suffix(task); }
VS_WIDE(ff)
VS_WIDE(dd)
#endif
#define VS_BASELINE(suffix)                                                                                          \
    static void run_baseline_##suffix(const vs_interp_task *task) { panel_baseline_##suffix(task); }                 \
    static void dot_baseline_##suffix(const vs_interp_task *task) { dot_any_##suffix(task); }
VS_BASELINE(ff)
VS_BASELINE(dd)
VS_BASELINE(fd)
VS_BASELINE(df)

int32_t vs_interp_instruction_set(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma"))
        return VS_INTERP_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return VS_INTERP_AVX2;
#endif
    return VS_INTERP_BASELINE;
}

typedef void (*vs_loop)(const vs_interp_task *);

/* Mixed types are rare enough for baseline code. */
#if defined(__x86_64__)
#define VS_SAME(kind, suffix) { kind##_baseline_##suffix, kind##_avx2_##suffix, kind##_avx512_##suffix }
#else
#define VS_SAME(kind, suffix) { kind##_baseline_##suffix, kind##_baseline_##suffix, kind##_baseline_##suffix }
#endif
#define VS_MIXED(kind, suffix) { kind##_baseline_##suffix, kind##_baseline_##suffix, kind##_baseline_##suffix }

void vs_interp_run(const vs_interp_task *task) {
    static const vs_loop loops[2][2][3] = {
        { VS_SAME(run, ff), VS_MIXED(run, fd) },
        { VS_MIXED(run, df), VS_SAME(run, dd) },
    };
    loops[task->storage_bytes == sizeof(double)][task->arithmetic_bytes == sizeof(double)][task->instruction_set](task);
}

void vs_interp_dot(const vs_interp_task *task) {
    static const vs_loop loops[2][2][3] = {
        { VS_SAME(dot, ff), VS_MIXED(dot, fd) },
        { VS_MIXED(dot, df), VS_SAME(dot, dd) },
    };
    loops[task->storage_bytes == sizeof(double)][task->arithmetic_bytes == sizeof(double)][task->instruction_set](task);
}
