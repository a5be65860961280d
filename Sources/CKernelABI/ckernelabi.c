#include "voxelsmith_kernel_abi.h"

/* The layout is read from files, so it must not depend on the compiler. */
_Static_assert(sizeof(vs_plugin) == 24, "vs_plugin");
_Static_assert(sizeof(vs_text) == 8, "vs_text");
_Static_assert(sizeof(vs_stage) == 16, "vs_stage");
_Static_assert(sizeof(vs_kernel_descriptor) == 200, "vs_kernel_descriptor");
