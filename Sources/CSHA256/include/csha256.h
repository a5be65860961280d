/* SHA-256 of FIPS 180-4. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_CSHA256_H
#define VOXELSMITH_CSHA256_H

#include <stddef.h>
#include <stdint.h>

enum { VS_SHA256_BYTES = 32, VS_SHA256_BLOCK_BYTES = 64 };

/* A digest in the making: what the whole blocks so far came to, and the bytes of the block that is not full yet. */
typedef struct {
    uint32_t state[8];
    uint64_t byte_count;
    uint8_t block[VS_SHA256_BLOCK_BYTES];
} vs_sha256;

void vs_sha256_begin(vs_sha256 *hash);

/* Takes in the next bytes of the message; `bytes` may be null where `count` is 0. */
void vs_sha256_add(vs_sha256 *hash, const void *bytes, size_t count);

/* Writes VS_SHA256_BYTES bytes. The hash must begin anew before it is used again. */
void vs_sha256_end(vs_sha256 *hash, uint8_t *digest);

#endif
