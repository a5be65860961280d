/* Watches the memory one thread asks for. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_TEST_ALLOCATIONS_H
#define VOXELSMITH_TEST_ALLOCATIONS_H

#include <stddef.h>

/* Whether allocations are seen at all: 0 under sanitizers. */
int vs_test_watches_allocations(void);

/* Forgets what the calling thread has asked for so far. */
void vs_test_forget_allocations(void);

/* Size of the largest block the calling thread has asked for since then. */
size_t vs_test_largest_allocation(void);

/* Bytes the calling thread has asked for since then, less those it has given back; negative when it gave back older blocks. */
long vs_test_held_bytes(void);

/* The most of that at any time since then. */
long vs_test_most_held_bytes(void);

/* Page faults of the calling thread that needed no input or output. */
long vs_test_minor_page_faults(void);

#endif
