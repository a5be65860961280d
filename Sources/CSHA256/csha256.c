#include "csha256.h"

#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The same of the square roots of the first eight primes (5.3.3). */
static const uint32_t initial_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint32_t rotated_right(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static uint32_t big_endian_word(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Section 6.2.2; a to h are the standard's names of the working variables, w the message schedule. */
static void add_block(uint32_t *state, const uint8_t *block) {
    uint32_t w[64];
    for (int t = 0; t < 16; ++t) w[t] = big_endian_word(block + 4 * t);
    for (int t = 16; t < 64; ++t) {
        uint32_t sigma0 = rotated_right(w[t - 15], 7) ^ rotated_right(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t sigma1 = rotated_right(w[t - 2], 17) ^ rotated_right(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; ++t) {
        uint32_t sum1 = rotated_right(e, 6) ^ rotated_right(e, 11) ^ rotated_right(e, 25);
        uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
        uint32_t sum0 = rotated_right(a, 2) ^ rotated_right(a, 13) ^ rotated_right(a, 22);
        uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void vs_sha256_begin(vs_sha256 *hash) {
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, initial_state, sizeof initial_state);
}

void vs_sha256_add(vs_sha256 *hash, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    size_t held = hash->byte_count % VS_SHA256_BLOCK_BYTES;
    hash->byte_count += count;
    while (count > 0) {
        if (held == 0 && count >= VS_SHA256_BLOCK_BYTES) {
            add_block(hash->state, next);
            next += VS_SHA256_BLOCK_BYTES, count -= VS_SHA256_BLOCK_BYTES;
            continue;
        }
        size_t part = VS_SHA256_BLOCK_BYTES - held;
        if (part > count) part = count;
        memcpy(hash->block + held, next, part);
        next += part, count -= part;
        held = (held + part) % VS_SHA256_BLOCK_BYTES;
        if (held == 0) add_block(hash->state, hash->block);
    }
}

void vs_sha256_end(vs_sha256 *hash, uint8_t *digest) {
    /* A one bit, zeros, and the length in bits as the last eight bytes of a block (5.1.1). */
    static const uint8_t padding[VS_SHA256_BLOCK_BYTES] = {0x80};
    uint64_t bits = hash->byte_count * 8;
    size_t held = hash->byte_count % VS_SHA256_BLOCK_BYTES;
    vs_sha256_add(hash, padding, held < 56 ? 56 - held : 120 - held);
    uint8_t length[8];
    for (int i = 0; i < 8; ++i) length[i] = (uint8_t)(bits >> (56 - 8 * i));
    vs_sha256_add(hash, length, sizeof length);
    for (int i = 0; i < VS_SHA256_BYTES; ++i) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}
