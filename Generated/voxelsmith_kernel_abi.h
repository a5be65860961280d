/* The contract between a kernel plugin and whoever loads it. SPDX-License-Identifier: Apache-2.0
 *
 * A plugin is a shared object with one exported symbol, `voxelsmith_plugin`: a constant `vs_plugin` object in a section of its
 * own, followed in the same object by its descriptors and its texts. Texts are {offset, length} from the start of the object;
 * the only pointers are `pack` and `run`, so everything else can be read from the file's bytes without relocation. The file
 * ends with the 32-byte SHA-256 of all bytes before it.
 *
 * Arguments and descriptors begin with their size and only grow at the end: a reader uses the fields that `size` covers. Unused fields
 * are 0 or null, in descriptors as in arguments: a later version can give them a meaning, and 0 means that it is not used.
 */
#ifndef VOXELSMITH_KERNEL_ABI_H
#define VOXELSMITH_KERNEL_ABI_H

#include <stdint.h>

#define VS_ABI_MAJOR 2u
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

/* What `op` says: what is summed, never which layer or pass asked for it. */
#define VS_OP_TRANSPOSED_CONVOLUTION 0u
#define VS_OP_CONVOLUTION 1u
#define VS_OP_KERNEL_GRADIENT 2u

/* What `item_rule` says: a stage has `items * batch` work items, each within one sample; or `items`, each over the whole batch
 * (of kernels that read every weight once a call). A call of batch 0 has none. */
#define VS_ITEMS_PER_SAMPLE 0u
#define VS_ITEMS_PER_CALL 1u

/* What `operands` says: which arguments of `run` a kernel reads beside input, packed weights and bias, one bit each. A call
 * gives these and no others; only the stride may be left 0 by a call of a kernel that obeys it. */
#define VS_OPERAND_SECOND 1u        /* `second` */
#define VS_OPERAND_RESIDUAL 2u      /* `residual` */
#define VS_OPERAND_SCALES 4u        /* `scales` */
#define VS_OPERAND_ZERO_POINTS 8u   /* `zero_points` */
#define VS_OPERAND_VOXEL_STRIDE 16u /* `output_voxel_stride` */

/* Most stages of a kernel. */
#define VS_MAX_STAGES 4u

/* Returned by `pack` and `run`. */
#define VS_OK 0
#define VS_BAD_ARGUMENTS 1

/* Layouts. The kernel's key states one of two for input, output, residual and second operand:
 *   channels_last:  (batch, depth, height, width, channels): the channels of one voxel lie side by side
 *   channels_first: (batch, channels, depth, height, width): each channel is a volume of its own
 * A result has filters in the place of channels. Weights have one shape in both layouts.
 *
 * Element types. Weights, input, bias and output have the storage type that the kernel's key states: float or double. */

/* Arguments of `pack`.
 * weights: the kernel tensor, shape (kernel depth, height, width, f / g, c) with the key's numbers f, g and c, element-aligned.
 * packed:  `packed_bytes` bytes, aligned to 64; written whole, padding included. The two do not overlap. */
typedef struct vs_pack_args {
    uint64_t size;
    const void *weights;
    void *packed;
} vs_pack_args;

/* Arguments of `run`. No two buffers overlap. The packed weights and both workspaces are aligned to 64 bytes, all others like their
 * elements.
 * input:       in the layout of the key
 * packed:      what `pack` wrote; never written by `run`
 * bias:        one value per filter; read only by kernels whose key says `bias`
 * output:      in the layout of the key; a work item of the last stage writes every element of its piece and nothing else
 * workspace:   `workspace_bytes` bytes for this thread alone, contents undefined; may be null when the size is 0
 * second:      the other tensor of an operation that reads two, such as the gradient of the results for a kernel gradient
 * residual:    of the output's shape and type, dense; added to the sums before the activation
 * scales:      one per filter: what a sum of integers is multiplied by, before the bias is added
 * zero_points: two numbers: the integers that stand for 0 in the input, and in the output
 * output_voxel_stride: channels_last: elements from one voxel of the output to the next, at least the number of filters; 0 for
 *              a dense output. Lets a layer write into its part of a wider tensor. In channels_first 0: there the filters of a
 *              sample are one piece of a wider tensor anyway.
 * shared:      a workspace of `shared_bytes + batch * shared_bytes_per_sample` bytes, the same for all threads and all stages of
 *              a call, contents undefined at its start; null when the size is 0
 * stage:       which of the kernel's stages the items belong to, from 0 */
typedef struct vs_run_args {
    uint64_t size;
    int64_t batch;
    const void *input;
    const void *packed;
    const void *bias;
    void *output;
    void *workspace;
    const void *second;
    const void *residual;
    const float *scales;
    const int32_t *zero_points;
    int64_t output_voxel_stride;
    void *shared;
    int64_t stage;
} vs_run_args;

typedef int32_t (*vs_pack_fn)(const vs_pack_args *args);

/* Computes the work items from number `begin` up to, not including, number `end` of the stage that the arguments name. Items of one
 * stage are independent: they write to disjoint pieces of the output or of the shared workspace, and may run on any threads in any
 * order. They may read what items of earlier stages wrote into the shared workspace, as a stage begins when all items of the one
 * before it are done. The result never depends on how items are grouped. Allocates nothing, prints nothing, keeps no state, calls
 * nothing outside the plugin. */
typedef int32_t (*vs_run_fn)(const vs_run_args *args, int64_t begin, int64_t end);

/* A text inside the plugin object: bytes from its start, no terminator. */
typedef struct vs_text {
    uint32_t offset;
    uint32_t length;
} vs_text;

/* The work items of one stage. */
typedef struct vs_stage {
    uint64_t items;
    uint32_t item_rule; /* VS_ITEMS_... */
    uint32_t reserved;  /* 0 */
} vs_stage;

typedef struct vs_kernel_descriptor {
    uint64_t size;             /* of this struct, as compiled */
    vs_text key;               /* SpecKey: the resolved problem */
    vs_text name;              /* symbol stem, see the kernel name grammar */
    vs_text schedule;          /* schedule parameters, canonical text */
    vs_text loops;             /* what is looped over at run time, for people */
    vs_text packing;           /* packing key: equal keys mean equal packed weights */
    vs_text target;            /* name of the target it was compiled for */
    vs_text template_digest;   /* SHA-256 of the template it was rendered from with all its parts, information only */
    uint32_t op;               /* VS_OP_... */
    uint32_t item_rule;        /* VS_ITEMS_... of the first stage */
    uint64_t features;         /* VS_CPU_... that the host must have to run this kernel; others of the plugin may need less */
    uint64_t packed_bytes;     /* size of the packed weights, a multiple of 64 */
    uint64_t workspace_bytes;  /* per thread */
    uint64_t items;            /* work items of the first stage: of one batch element, or of a whole call; see `item_rule` */
    uint64_t flops_per_sample; /* useful floating-point operations of one batch element */
    vs_pack_fn pack;
    vs_run_fn run;
    uint32_t operands;                /* VS_OPERAND_... */
    uint32_t stage_count;             /* 1 to VS_MAX_STAGES */
    uint64_t shared_bytes;            /* shared workspace of a call, beside what each sample adds */
    uint64_t shared_bytes_per_sample; /* what each batch element adds to it */
    vs_stage later_stages[VS_MAX_STAGES - 1]; /* of the stages after the first; the rest is 0 */
} vs_kernel_descriptor;

typedef struct vs_plugin {
    uint64_t magic;           /* VS_PLUGIN_MAGIC */
    uint32_t abi_major;       /* VS_ABI_MAJOR */
    uint32_t descriptor_size; /* bytes from one descriptor to the next */
    uint32_t count;           /* number of descriptors; they begin right after this struct */
    uint32_t total_size;      /* bytes of the whole object, texts included */
} vs_plugin;

#endif
