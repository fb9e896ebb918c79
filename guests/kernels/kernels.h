// Kernels of a benchmark of processors: each computes the same checksum on every one.
#ifndef KERNELS_H
#define KERNELS_H

#include <stddef.h>
#include <stdint.h>

struct kernel {
    const char *name;
    void (*prepare)(void);            // once, before the first round; NULL where there is nothing to prepare
    uint64_t (*run)(uint64_t rounds); // a checksum, which depends on the rounds alone
};

extern const struct kernel chase, crc16, fib, indirect, mark, matmul, matmul_f64, search, sha256, sieve, triad;

// xorshift64 (Marsaglia, 2003): test data, the same in every run.
static inline uint64_t random_next(uint64_t *state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

// From 0 to below 1.
static inline double random_fraction(uint64_t *state) {
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

// Mixes a value into a checksum (FNV-1a's step).
static inline uint64_t mix(uint64_t checksum, uint64_t value) {
    return (checksum ^ value) * 0x100000001b3;
}

// To be mixed into a checksum: 2^-20 is far above what a fused multiplication and addition rounds differently.
static inline uint64_t quantized(double value) {
    return (uint64_t)(int64_t)(value * 0x1p20);
}

// The compiler must not move work across this: the memory may have changed.
static inline void barrier(void) {
    __asm__ volatile("" : : : "memory");
}

#endif
