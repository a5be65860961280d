/* The contract between a kernel plugin and whoever loads it. SPDX-License-Identifier: Apache-2.0
 *
 * A plugin is a shared object with one exported symbol, `voxelsmith_plugin`: a constant `vs_plugin` object in a section of its
 * own, followed in the same object by its descriptors and its texts. Texts are {offset, length} from the start of the object;
 * the only pointers are `pack` and `run`, so everything else can be read from the file's bytes without relocation. The file
 * ends with the 32-byte SHA-256 of all bytes before it.
 *
 * Structs begin with their size and only grow at the end: a reader uses the fields that `size` covers.
 */
#ifndef VOXELSMITH_KERNEL_ABI_H
#define VOXELSMITH_KERNEL_ABI_H

#include <stdint.h>

#define VS_ABI_MAJOR 1u
#define VS_PLUGIN_MAGIC UINT64_C(0x4e474c505358564e) /* read as bytes: "NVXSPLGN" */
#define VS_PLUGIN_SECTION ".voxelsmith"
#define VS_DIGEST_BYTES 32u

/* Instruction set features a kernel needs, one bit each (`features` of a descriptor). */
#define VS_CPU_SSE42 (UINT64_C(1) << 0)
#define VS_CPU_AVX (UINT64_C(1) << 1)
#define VS_CPU_AVX2 (UINT64_C(1) << 2)
#define VS_CPU_FMA (UINT64_C(1) << 3)
#define VS_CPU_F16C (UINT64_C(1) << 4)
#define VS_CPU_BMI1 (UINT64_C(1) << 5)
#define VS_CPU_BMI2 (UINT64_C(1) << 6)
#define VS_CPU_AVX512F (UINT64_C(1) << 7)
#define VS_CPU_AVX512VL (UINT64_C(1) << 8)
#define VS_CPU_AVX512BW (UINT64_C(1) << 9)
#define VS_CPU_AVX512DQ (UINT64_C(1) << 10)
#define VS_CPU_AVX512CD (UINT64_C(1) << 11)
#define VS_CPU_POPCNT (UINT64_C(1) << 12)
#define VS_CPU_LZCNT (UINT64_C(1) << 13)
#define VS_CPU_MOVBE (UINT64_C(1) << 14)
#define VS_CPU_NEON (UINT64_C(1) << 32)

/* What `op` says. */
#define VS_OP_FORWARD 0u

/* What `item_rule` says: a call has `items * batch` work items, each within one sample; or `items`, each over the whole batch
 * (of kernels that read every weight once a call). A call of batch 0 has none. */
#define VS_ITEMS_PER_SAMPLE 0u
#define VS_ITEMS_PER_CALL 1u

/* Returned by `pack` and `run`. */
#define VS_OK 0
#define VS_BAD_ARGUMENTS 1

/* Arguments of `pack`.
 * weights: the kernel tensor, float32, shape (kernel depth, height, width, filters, channels), element-aligned.
 * packed:  `packed_bytes` bytes, aligned to 64; written whole, padding included. The two do not overlap. */
typedef struct vs_pack_args {
    uint64_t size;
    const void *weights;
    void *packed;
} vs_pack_args;

/* Arguments of `run`. No two buffers overlap; input, bias and output are element-aligned, packed and workspace aligned to 64.
 * input:     (batch, depth, height, width, channels)
 * packed:    what `pack` wrote; never written by `run`
 * bias:      one value per filter; read only by kernels whose key says `bias`
 * output:    (batch, depth, height, width, filters); a work item writes every element of its piece and nothing else
 * workspace: `workspace_bytes` bytes for this thread alone, contents undefined; may be null when the size is 0 */
typedef struct vs_run_args {
    uint64_t size;
    int64_t batch;
    const void *input;
    const void *packed;
    const void *bias;
    void *output;
    void *workspace;
} vs_run_args;

typedef int32_t (*vs_pack_fn)(const vs_pack_args *args);

/* Computes the work items begin ..< end of all of a call's. Items are disjoint pieces of the output and may run on any threads in any order; the result never depends on how they are grouped. Allocates nothing, prints
 * nothing, keeps no state, calls nothing outside the plugin. */
typedef int32_t (*vs_run_fn)(const vs_run_args *args, int64_t begin, int64_t end);

/* A text inside the plugin object: bytes from its start, no terminator. */
typedef struct vs_text {
    uint32_t offset;
    uint32_t length;
} vs_text;

typedef struct vs_kernel_descriptor {
    uint64_t size;             /* of this struct, as compiled */
    vs_text key;               /* SpecKey: the resolved problem */
    vs_text name;              /* symbol stem, see the kernel name grammar */
    vs_text schedule;          /* schedule parameters, canonical text */
    vs_text loops;             /* what is looped and what is unrolled, for people */
    vs_text packing;           /* packing key: equal keys mean equal packed weights */
    vs_text target;            /* name of the target it was compiled for */
    vs_text template_digest;   /* SHA-256 of the template it was rendered from, information only */
    uint32_t op;               /* VS_OP_... */
    uint32_t item_rule;        /* VS_ITEMS_... */
    uint64_t features;         /* VS_CPU_... that the host must have */
    uint64_t packed_bytes;     /* size of the packed weights, a multiple of 64 */
    uint64_t workspace_bytes;  /* per thread */
    uint64_t items;            /* work items of one batch element, or of a whole call: see `item_rule` */
    uint64_t flops_per_sample; /* useful floating-point operations of one batch element */
    vs_pack_fn pack;
    vs_run_fn run;
} vs_kernel_descriptor;

typedef struct vs_plugin {
    uint64_t magic;           /* VS_PLUGIN_MAGIC */
    uint32_t abi_major;       /* VS_ABI_MAJOR */
    uint32_t descriptor_size; /* bytes from one descriptor to the next */
    uint32_t count;           /* number of descriptors; they begin right after this struct */
    uint32_t total_size;      /* bytes of the whole object, texts included */
} vs_plugin;

#endif
