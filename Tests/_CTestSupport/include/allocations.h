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

/* Page faults of the calling thread that needed no input or output. */
long vs_test_minor_page_faults(void);

#endif
