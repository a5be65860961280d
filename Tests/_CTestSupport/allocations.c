#define _GNU_SOURCE /* RUSAGE_THREAD */
#include "allocations.h"

#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Definitions in the executable come before glibc's, for the Swift libraries too; each notes the size and passes it on. */

static _Thread_local size_t largest;
/* Bytes asked for and not given back since, and their most. */
static _Thread_local long held;
static _Thread_local long most_held;

void vs_test_forget_allocations(void) {
    largest = 0;
    held = 0;
    most_held = 0;
}

long vs_test_held_bytes(void) { return held; }

long vs_test_most_held_bytes(void) { return most_held; }

size_t vs_test_largest_allocation(void) { return largest; }

/* Sanitizers bring an allocator of their own. */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
int vs_test_watches_allocations(void) { return 0; }
#else
int vs_test_watches_allocations(void) { return 1; }

static inline void note(size_t size) {
    if (size > largest) largest = size;
}

static inline void *hold(void *block) {
    held += (long)malloc_usable_size(block);
    if (held > most_held) most_held = held;
    return block;
}

static inline void let_go(void *block) { held -= (long)malloc_usable_size(block); }

extern void __libc_free(void *);
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    note(size);
    return hold(__libc_malloc(size));
}

void free(void *block) {
    let_go(block);
    __libc_free(block);
}

void *calloc(size_t count, size_t size) {
    note(size != 0 && count > (size_t)-1 / size ? (size_t)-1 : count * size);
    return hold(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size) {
    note(size);
    let_go(old);
    void *block = __libc_realloc(old, size);
    return hold(block ? block : size ? old : block);
}

void *memalign(size_t alignment, size_t size) {
    note(size);
    return hold(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
    note(size);
    return hold(__libc_memalign(alignment, size));
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    note(size);
    void *block = __libc_memalign(alignment, size);
    if (block == 0) return ENOMEM;
    *result = hold(block);
    return 0;
}

/* The C library's own calls of these do not come here, so no block counts twice. */
void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    void *start = (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
    if (start == MAP_FAILED) return start;
    note(length);
    held += (long)length;
    if (held > most_held) most_held = held;
    return start;
}

int munmap(void *start, size_t length) {
    int status = (int)syscall(SYS_munmap, start, length);
    if (status == 0) held -= (long)length;
    return status;
}

#endif

long vs_test_minor_page_faults(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_minflt : -1;
}
