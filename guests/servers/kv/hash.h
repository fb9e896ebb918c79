// A keyed hash: products of two words, folded. Who does not know the key cannot choose names that collide.
#ifndef KV_HASH_H
#define KV_HASH_H

#include "servers/kv/bytes.h"

extern uint64_t hash_key[4];

// Draws the key from what differs between runs: the clocks, the stack guard, and the processor's random numbers where it
// has them.
void hash_seed(void);

// The next of a sequence of random numbers that starts with the key. Not for secrets.
uint64_t random_u64(void);

static inline uint64_t hash_fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_bytes(const uint8_t *at, size_t size) {
    uint64_t a, b, state = hash_key[0] ^ size;
    if (size <= 16) {
        if (size >= 8) {
            a = load_u64(at);
            b = load_u64(at + size - 8);
        } else if (size >= 4) {
            a = load_u32(at);
            b = load_u32(at + size - 4);
        } else {
            a = size > 0 ? (uint64_t)at[0] << 16 | (uint64_t)at[size / 2] << 8 | at[size - 1] : 0;
            b = 0;
        }
    } else {
        for (size_t left = size; left > 16; left -= 16, at += 16)
            state = hash_fold(load_u64(at) ^ hash_key[1], load_u64(at + 8) ^ state);
        size_t left = (size - 1) % 16 + 1;
        a = load_u64(at + left - 16);
        b = load_u64(at + left - 8);
    }
    return hash_fold(hash_fold(a ^ hash_key[2], b ^ state) ^ hash_key[3], hash_key[1] ^ state);
}

#endif
