/* The part of LLVM's C API that inspects machine code, without LLVM's headers and without linking it: the library is opened
 * when first asked for. Declarations follow llvm-c/Core.h, Object.h and Disassembler.h, stable since LLVM 9.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_CLLVM_H
#define VOXELSMITH_CLLVM_H

#include <stddef.h>
#include <stdint.h>

typedef struct vs_llvm_opaque_buffer *vs_llvm_buffer;
typedef struct vs_llvm_opaque_binary *vs_llvm_binary;
typedef struct vs_llvm_opaque_sections *vs_llvm_sections;
typedef struct vs_llvm_opaque_symbols *vs_llvm_symbols;
typedef struct vs_llvm_opaque_disassembler *vs_llvm_disassembler;

/* A buffer refers to the bytes given; they outlive it. */
typedef vs_llvm_buffer _Nonnull (*vs_llvm_create_buffer)(
    const void *_Nonnull bytes, size_t count, const char *_Nonnull name, int null_terminated);
typedef void (*vs_llvm_dispose_buffer)(vs_llvm_buffer _Nonnull);
/* On failure null, and `*message` is to be released with `dispose_message`. */
typedef vs_llvm_binary _Nullable (*vs_llvm_create_binary)(
    vs_llvm_buffer _Nonnull, void *_Nullable context, char *_Nullable *_Nonnull message);
typedef void (*vs_llvm_dispose_binary)(vs_llvm_binary _Nonnull);
typedef void (*vs_llvm_dispose_message)(char *_Nonnull);

typedef vs_llvm_sections _Nullable (*vs_llvm_copy_sections)(vs_llvm_binary _Nonnull);
typedef int (*vs_llvm_sections_at_end)(vs_llvm_binary _Nonnull, vs_llvm_sections _Nonnull);
typedef void (*vs_llvm_step_sections)(vs_llvm_sections _Nonnull);
typedef const char *_Nullable (*vs_llvm_section_text)(vs_llvm_sections _Nonnull);
typedef uint64_t (*vs_llvm_section_number)(vs_llvm_sections _Nonnull);

typedef vs_llvm_symbols _Nullable (*vs_llvm_copy_symbols)(vs_llvm_binary _Nonnull);
typedef int (*vs_llvm_symbols_at_end)(vs_llvm_binary _Nonnull, vs_llvm_symbols _Nonnull);
typedef void (*vs_llvm_step_symbols)(vs_llvm_symbols _Nonnull);
typedef const char *_Nullable (*vs_llvm_symbol_text)(vs_llvm_symbols _Nonnull);
typedef uint64_t (*vs_llvm_symbol_number)(vs_llvm_symbols _Nonnull);
/* Moves `sections` to the section that holds the symbol, or to the end when none does (undefined, absolute, file names). */
typedef void (*vs_llvm_find_section)(vs_llvm_sections _Nonnull, vs_llvm_symbols _Nonnull);

typedef vs_llvm_disassembler _Nullable (*vs_llvm_create_disassembler)(
    const char *_Nonnull triple, const char *_Nonnull cpu, const char *_Nonnull features, void *_Nullable info, int tag,
    void *_Nullable operand_callback, void *_Nullable symbol_callback);
typedef void (*vs_llvm_dispose_disassembler)(vs_llvm_disassembler _Nonnull);
/* Bytes of the instruction at `bytes`, 0 when it is none; its text, NUL-terminated, goes to `text`. */
typedef size_t (*vs_llvm_disassemble)(
    vs_llvm_disassembler _Nonnull, const uint8_t *_Nonnull bytes, uint64_t count, uint64_t address, char *_Nonnull text,
    size_t text_size);

/* The functions of one opened library. */
typedef struct vs_llvm {
    const char *_Nonnull library; /* the name it was opened by */
    vs_llvm_create_buffer _Nonnull create_buffer;
    vs_llvm_dispose_buffer _Nonnull dispose_buffer;
    vs_llvm_create_binary _Nonnull create_binary;
    vs_llvm_dispose_binary _Nonnull dispose_binary;
    vs_llvm_dispose_message _Nonnull dispose_message;
    vs_llvm_copy_sections _Nonnull copy_sections;
    void (*_Nonnull dispose_sections)(vs_llvm_sections _Nonnull);
    vs_llvm_sections_at_end _Nonnull sections_at_end;
    vs_llvm_step_sections _Nonnull next_section;
    vs_llvm_section_text _Nonnull section_name;
    vs_llvm_section_text _Nonnull section_contents;
    vs_llvm_section_number _Nonnull section_size;
    vs_llvm_section_number _Nonnull section_address;
    vs_llvm_copy_symbols _Nonnull copy_symbols;
    void (*_Nonnull dispose_symbols)(vs_llvm_symbols _Nonnull);
    vs_llvm_symbols_at_end _Nonnull symbols_at_end;
    vs_llvm_step_symbols _Nonnull next_symbol;
    vs_llvm_symbol_text _Nonnull symbol_name;
    vs_llvm_symbol_number _Nonnull symbol_address;
    vs_llvm_symbol_number _Nonnull symbol_size;
    vs_llvm_find_section _Nonnull find_section;
    vs_llvm_create_disassembler _Nonnull create_disassembler;
    vs_llvm_dispose_disassembler _Nonnull dispose_disassembler;
    vs_llvm_disassemble _Nonnull disassemble;
} vs_llvm;

/* Opens LLVM at the first call, with its x86 and AArch64 disassemblers; later calls give the same answer. Null when no library
 * opens. The library stays open until the process ends. Callable from any thread. */
const vs_llvm *_Nullable vs_llvm_open(void);

/* Bytes of addresses that must be free for the library. */
#define VS_LLVM_ROOM ((size_t)256 << 20)

/* Whether there were fewer, so that no library was looked for. */
int vs_llvm_lacks_room(void);

/* The libraries `vs_llvm_open` tries, in order, separated by blanks. */
const char *_Nonnull vs_llvm_candidates(void);

#endif
