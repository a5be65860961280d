/* The arithmetic a thread computes with. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_TEST_ARITHMETIC_H
#define VOXELSMITH_TEST_ARITHMETIC_H

#include <stdint.h>

/* Control bits of the calling thread: rounding, treatment of subnormal numbers, traps. */
uint64_t vs_test_arithmetic(void);

/* Sets them to the default, and in addition: 1 rounding upwards, 2 subnormal results and operands become 0; 3 both. */
void vs_test_set_arithmetic(int mode);

/* x + y, computed when it is called. */
float vs_test_sum(float x, float y);

#endif
