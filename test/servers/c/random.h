#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>
#include <stdint.h>

// SplitMix64: one seed, one sequence.
static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline size_t random_below(uint64_t *state, size_t limit) {
    return (size_t)(random_next(state) % limit);
}

#endif
