#include "hostcpu.h"

#include <string.h>

int vs_host_supports(const char *feature) {
#if defined(__x86_64__)
    /* __builtin_cpu_supports takes literals only; it also checks that the operating system saves the wide registers. */
    __builtin_cpu_init();
    if (strcmp(feature, "sse42") == 0) return __builtin_cpu_supports("sse4.2") != 0;
    if (strcmp(feature, "avx") == 0) return __builtin_cpu_supports("avx") != 0;
    if (strcmp(feature, "avx2") == 0) return __builtin_cpu_supports("avx2") != 0;
    if (strcmp(feature, "fma") == 0) return __builtin_cpu_supports("fma") != 0;
    if (strcmp(feature, "f16c") == 0) return __builtin_cpu_supports("f16c") != 0;
    if (strcmp(feature, "bmi1") == 0) return __builtin_cpu_supports("bmi") != 0;
    if (strcmp(feature, "bmi2") == 0) return __builtin_cpu_supports("bmi2") != 0;
    if (strcmp(feature, "avx512f") == 0) return __builtin_cpu_supports("avx512f") != 0;
    if (strcmp(feature, "avx512vl") == 0) return __builtin_cpu_supports("avx512vl") != 0;
    if (strcmp(feature, "avx512bw") == 0) return __builtin_cpu_supports("avx512bw") != 0;
    if (strcmp(feature, "avx512dq") == 0) return __builtin_cpu_supports("avx512dq") != 0;
    if (strcmp(feature, "avx512cd") == 0) return __builtin_cpu_supports("avx512cd") != 0;
    if (strcmp(feature, "popcnt") == 0) return __builtin_cpu_supports("popcnt") != 0;
    if (strcmp(feature, "lzcnt") == 0) return __builtin_cpu_supports("lzcnt") != 0;
    if (strcmp(feature, "movbe") == 0) return __builtin_cpu_supports("movbe") != 0;
    return 0;
#elif defined(__aarch64__)
    return strcmp(feature, "neon") == 0; /* part of the base architecture */
#else
    (void)feature;
    return 0;
#endif
}
