#include "cllvm.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

/* Newest first: a newer LLVM decodes more instructions. Debian and Ubuntu changed the soname's form with 18; both are tried there. */
static const char *const candidates[] = {
    "libLLVM.so.22.1",  "libLLVM.so.21.1",  "libLLVM.so.20.1",  "libLLVM.so.19.1",  "libLLVM.so.18.1",  "libLLVM-18.so.1",
    "libLLVM-17.so.1",  "libLLVM-16.so.1",  "libLLVM-15.so.1",  "libLLVM-14.so.1",  "libLLVM-13.so.1",  "libLLVM.so",
};
enum { candidate_count = sizeof candidates / sizeof candidates[0] };

static vs_llvm table;
static const vs_llvm *opened;
static char candidate_text[candidate_count * 24];
static int lacks_room;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Assigns through memcpy: ISO C has no conversion from an object pointer to a function pointer. */
static int load(void *library, const char *name, void *function) {
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static int load_table(void *library) {
    return load(library, "LLVMCreateMemoryBufferWithMemoryRange", &table.create_buffer)
        && load(library, "LLVMDisposeMemoryBuffer", &table.dispose_buffer)
        && load(library, "LLVMCreateBinary", &table.create_binary)
        && load(library, "LLVMDisposeBinary", &table.dispose_binary)
        && load(library, "LLVMDisposeMessage", &table.dispose_message)
        && load(library, "LLVMObjectFileCopySectionIterator", &table.copy_sections)
        && load(library, "LLVMDisposeSectionIterator", &table.dispose_sections)
        && load(library, "LLVMObjectFileIsSectionIteratorAtEnd", &table.sections_at_end)
        && load(library, "LLVMMoveToNextSection", &table.next_section)
        && load(library, "LLVMGetSectionName", &table.section_name)
        && load(library, "LLVMGetSectionContents", &table.section_contents)
        && load(library, "LLVMGetSectionSize", &table.section_size)
        && load(library, "LLVMGetSectionAddress", &table.section_address)
        && load(library, "LLVMObjectFileCopySymbolIterator", &table.copy_symbols)
        && load(library, "LLVMDisposeSymbolIterator", &table.dispose_symbols)
        && load(library, "LLVMObjectFileIsSymbolIteratorAtEnd", &table.symbols_at_end)
        && load(library, "LLVMMoveToNextSymbol", &table.next_symbol)
        && load(library, "LLVMGetSymbolName", &table.symbol_name)
        && load(library, "LLVMGetSymbolAddress", &table.symbol_address)
        && load(library, "LLVMGetSymbolSize", &table.symbol_size)
        && load(library, "LLVMMoveToContainingSection", &table.find_section)
        && load(library, "LLVMCreateDisasmCPUFeatures", &table.create_disassembler)
        && load(library, "LLVMDisasmDispose", &table.dispose_disassembler)
        && load(library, "LLVMDisasmInstruction", &table.disassemble);
}

/* A library built without one of the two targets still serves the other: a missing initialiser is no error. */
static void initialize_targets(void *library) {
    static const char *const initializers[] = {
        "LLVMInitializeX86TargetInfo",     "LLVMInitializeX86TargetMC",     "LLVMInitializeX86Disassembler",
        "LLVMInitializeAArch64TargetInfo", "LLVMInitializeAArch64TargetMC", "LLVMInitializeAArch64Disassembler",
    };
    for (size_t i = 0; i < sizeof initializers / sizeof initializers[0]; i++) {
        void (*initialize)(void);
        if (load(library, initializers[i], &initialize)) initialize();
    }
}

/* The library takes some 150 MB of addresses, and ends the process when it is given them and nothing more. */
static int has_room(void) {
    void *room = mmap(NULL, VS_LLVM_ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return 0;
    munmap(room, VS_LLVM_ROOM);
    return 1;
}

static void open_library(void) {
    for (size_t i = 0; i < candidate_count; i++) {
        if (i > 0) strcat(candidate_text, " ");
        strcat(candidate_text, candidates[i]);
    }
    lacks_room = !has_room();
    if (lacks_room) return;
    for (size_t i = 0; i < candidate_count; i++) {
        void *library = dlopen(candidates[i], RTLD_LAZY | RTLD_LOCAL);
        if (library == NULL) continue;
        if (load_table(library)) {
            initialize_targets(library);
            table.library = candidates[i];
            opened = &table;
            return;
        }
        dlclose(library);
    }
}

const vs_llvm *vs_llvm_open(void) {
    pthread_once(&once, open_library);
    return opened;
}

int vs_llvm_lacks_room(void) {
    pthread_once(&once, open_library);
    return lacks_room;
}

const char *vs_llvm_candidates(void) {
    pthread_once(&once, open_library);
    return candidate_text;
}
