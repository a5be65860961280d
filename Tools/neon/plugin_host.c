/* Runs the kernels of an aarch64 plugin on another machine, under qemu-aarch64: a static program without a C library, so that
 * a cross compiler and the emulator are all that is needed. SPDX-License-Identifier: Apache-2.0
 *
 *   clang --target=aarch64-linux-gnu -O1 -ffreestanding -nostdlib -static -fuse-ld=lld -I Sources/CKernelABI/include plugin_host.c -o plugin_host
 *   qemu-aarch64 plugin_host PLUGIN.so
 *
 * Requests come on standard input, answers go to standard output, both in the order of the fields below, little-endian:
 *
 *   request   `request`, then the bytes of input, packed weights (run only), bias and output as they are before the call
 *   answer    the status of the call (8 bytes), then the bytes of the output after it
 *
 * For `pack` the input is the kernel tensor and the output the packed weights. Every buffer of a call lies against an inaccessible
 * page, at its start or at its end: a read or write outside ends this program with a signal. It exits with 0 when its input
 * ends, and with 2 and a sentence on standard error when the plugin or a request is not as expected. */
#include <stddef.h>
#include "voxelsmith_kernel_abi.h"

enum { PACK = 1, RUN = 2 };
enum { AT_START = 0, AT_END = 1 };

typedef struct {
    uint64_t operation;
    uint64_t kernel;    /* number of the kernel in the plugin */
    uint64_t placement; /* which end of the pages buffers lie against */
    int64_t batch;
    int64_t begin;
    int64_t end;
    uint64_t input_bytes;
    uint64_t packed_bytes;
    uint64_t bias_bytes; /* 0 for none */
    uint64_t output_bytes;
    uint64_t workspace_bytes;
} request;

/* ---- Linux ---- */

enum { SYS_OPENAT = 56, SYS_LSEEK = 62, SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT_GROUP = 94, SYS_MUNMAP = 215, SYS_MMAP = 222, SYS_MPROTECT = 226 };
enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32, AT_CURRENT_FOLDER = -100 };
enum { PAGE = 4096 };

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

static _Noreturn void leave(long status) {
    for (;;) call(SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

static _Noreturn void fail(const char *sentence) {
    size_t length = 0;
    while (sentence[length]) ++length;
    call(SYS_WRITE, 2, (long)sentence, (long)length, 0, 0, 0);
    leave(2);
}

static void expect(int holds, const char *sentence) {
    if (!holds) fail(sentence);
}

/* Returns the bytes read: fewer than asked for only at the end. */
static size_t read_fully(long file, void *to, size_t count) {
    size_t done = 0;
    while (done < count) {
        const long part = call(SYS_READ, file, (long)to + (long)done, (long)(count - done), 0, 0, 0);
        if (part <= 0) break;
        done += (size_t)part;
    }
    return done;
}

static void write_fully(const void *from, size_t count) {
    size_t done = 0;
    while (done < count) {
        const long part = call(SYS_WRITE, 1, (long)from + (long)done, (long)(count - done), 0, 0, 0);
        if (part <= 0) leave(1); /* nobody listens any more */
        done += (size_t)part;
    }
}

static char *reserve(size_t count, long protection) {
    const long address = call(SYS_MMAP, 0, (long)count, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(address > 0 || address < -4095, "mmap failed.\n");
    return (char *)address;
}

static size_t whole_pages(size_t count) { return (count + PAGE - 1) / PAGE * PAGE; }

/* ---- Buffers between inaccessible pages ---- */

typedef struct {
    char *address;
    char *mapping;
    size_t mapped;
} buffer;

static buffer make_buffer(size_t count, uint64_t placement, size_t alignment) {
    const size_t body = whole_pages(count ? count : 1);
    buffer b = { .mapped = body + 2 * PAGE };
    b.mapping = reserve(b.mapped, PROT_NONE);
    expect(call(SYS_MPROTECT, (long)b.mapping + PAGE, (long)body, PROT_READ | PROT_WRITE, 0, 0, 0) == 0, "mprotect failed.\n");
    b.address = b.mapping + PAGE + (placement == AT_END ? (body - count) / alignment * alignment : 0);
    /* Reads as NaN. */
    for (size_t i = 0; i < body / 8; ++i) ((volatile uint64_t *)(b.mapping + PAGE))[i] = ~UINT64_C(0);
    return b;
}

static buffer receive(size_t count, uint64_t placement, size_t alignment) {
    const buffer b = make_buffer(count, placement, alignment);
    expect(read_fully(0, b.address, count) == count, "a request ended early.\n");
    return b;
}

static void release(buffer b) { call(SYS_MUNMAP, (long)b.mapping, (long)b.mapped, 0, 0, 0, 0); }

/* ---- The plugin: segments, relative relocations, one symbol. `voxelsmith` refused everything else when it made it. ---- */

typedef struct {
    unsigned char ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t size, program_header_size, program_header_count, section_header_size, section_header_count, names;
} elf_header;

typedef struct {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
} program_header;

typedef struct {
    int64_t tag;
    uint64_t value;
} dynamic_entry;

typedef struct {
    uint64_t offset;
    uint64_t info;
    int64_t addend;
} relocation;

typedef struct {
    uint32_t name;
    unsigned char info, other;
    uint16_t section;
    uint64_t value, size;
} symbol;

enum { LOADED = 1, DYNAMIC = 2, TAG_SYMBOLS = 6, TAG_RELOCATIONS = 7, TAG_RELOCATION_BYTES = 8, R_AARCH64_RELATIVE = 1027 };

static const vs_plugin *load(const char *path) {
    const long file = call(SYS_OPENAT, AT_CURRENT_FOLDER, (long)path, 0, 0, 0, 0);
    expect(file >= 0, "the plugin cannot be opened.\n");
    elf_header header;
    program_header segments[16];
    expect(read_fully(file, &header, sizeof header) == sizeof header, "the plugin is too short.\n");
    expect(header.machine == 183 && header.program_header_size == sizeof(program_header) && header.program_header_count <= 16, "the plugin is not for aarch64.\n");
    const size_t table = header.program_header_count * sizeof(program_header);
    call(SYS_LSEEK, file, (long)header.program_headers, 0, 0, 0, 0);
    expect(read_fully(file, segments, table) == table, "the plugin is too short.\n");

    size_t span = 0;
    for (int i = 0; i < header.program_header_count; ++i) {
        const size_t end = segments[i].address + segments[i].memory_bytes;
        if (segments[i].type == LOADED && end > span) span = end;
    }
    char *const base = reserve(whole_pages(span), PROT_READ | PROT_WRITE);
    const dynamic_entry *dynamic = NULL;
    for (int i = 0; i < header.program_header_count; ++i) {
        if (segments[i].type == DYNAMIC) dynamic = (const dynamic_entry *)(base + segments[i].address);
        if (segments[i].type != LOADED) continue;
        call(SYS_LSEEK, file, (long)segments[i].offset, 0, 0, 0, 0);
        expect(read_fully(file, base + segments[i].address, segments[i].file_bytes) == segments[i].file_bytes, "the plugin is too short.\n");
    }
    expect(dynamic != NULL, "the plugin has no dynamic table.\n");
    const symbol *symbols = NULL;
    const relocation *relocations = NULL;
    size_t relocation_bytes = 0;
    for (; dynamic->tag; ++dynamic) {
        if (dynamic->tag == TAG_SYMBOLS) symbols = (const symbol *)(base + dynamic->value);
        if (dynamic->tag == TAG_RELOCATIONS) relocations = (const relocation *)(base + dynamic->value);
        if (dynamic->tag == TAG_RELOCATION_BYTES) relocation_bytes = dynamic->value;
    }
    for (size_t i = 0; i < relocation_bytes / sizeof(relocation); ++i) {
        expect((relocations[i].info & 0xffffffff) == R_AARCH64_RELATIVE, "the plugin has relocations that are not relative.\n");
        *(uint64_t *)(base + relocations[i].offset) = (uint64_t)base + (uint64_t)relocations[i].addend;
    }
    /* The plugin's own protections: code is not writable, constants neither. */
    for (int i = 0; i < header.program_header_count; ++i) {
        if (segments[i].type != LOADED) continue;
        const size_t first = segments[i].address / PAGE * PAGE;
        const long protection = (segments[i].flags & 4 ? PROT_READ : 0) | (segments[i].flags & 2 ? PROT_WRITE : 0) | (segments[i].flags & 1 ? PROT_EXEC : 0);
        expect(call(SYS_MPROTECT, (long)base + (long)first, (long)whole_pages(segments[i].address + segments[i].memory_bytes - first), protection, 0, 0, 0) == 0, "mprotect failed.\n");
    }
    expect(symbols != NULL, "the plugin exports nothing.\n");
    const vs_plugin *const plugin = (const vs_plugin *)(base + symbols[1].value);
    expect(plugin->magic == VS_PLUGIN_MAGIC && plugin->abi_major == VS_ABI_MAJOR, "the exported object is no plugin of this ABI.\n");
    return plugin;
}

/* ---- Requests ---- */

static void answer(const vs_plugin *plugin, const request *r) {
    expect(r->kernel < plugin->count, "the plugin has no kernel of that number.\n");
    const vs_kernel_descriptor *const kernel = (const vs_kernel_descriptor *)((const char *)(plugin + 1) + r->kernel * plugin->descriptor_size);
    expect(kernel->stage_count == 1 && kernel->operands == 0, "a kernel with several stages or operands, which this program has no requests for.\n");
    const buffer input = receive(r->input_bytes, r->placement, 1);
    int64_t status;
    buffer output;
    if (r->operation == PACK) {
        output = receive(r->output_bytes, r->placement, 64);
        const vs_pack_args args = { .size = sizeof args, .weights = input.address, .packed = output.address };
        status = kernel->pack(&args);
    } else {
        expect(r->operation == RUN, "an unknown operation.\n");
        const buffer packed = receive(r->packed_bytes, r->placement, 64);
        const buffer bias = receive(r->bias_bytes, r->placement, 1);
        output = receive(r->output_bytes, r->placement, 1);
        const buffer workspace = make_buffer(r->workspace_bytes, r->placement, 64);
        const vs_run_args args = {
            .size = sizeof args, .batch = r->batch, .input = input.address, .packed = packed.address,
            .bias = r->bias_bytes ? bias.address : NULL, .output = output.address,
            .workspace = r->workspace_bytes ? workspace.address : NULL,
        };
        status = kernel->run(&args, r->begin, r->end);
        release(packed), release(bias), release(workspace);
    }
    write_fully(&status, sizeof status);
    write_fully(output.address, r->output_bytes);
    release(input), release(output);
}

/* Called by the entry point with the stack as the kernel left it: argument count, then arguments. */
__attribute__((used)) static _Noreturn void start(const long *stack) {
    expect(stack[0] == 2, "expected one argument, a plugin.\n");
    const vs_plugin *const plugin = load((const char *)stack[2]);
    for (;;) {
        request r;
        const size_t count = read_fully(0, &r, sizeof r);
        if (count == 0) leave(0);
        expect(count == sizeof r, "a request ended early.\n");
        answer(plugin, &r);
    }
}

__asm__(".globl _start\n_start:\n    mov x0, sp\n    bl start\n");
