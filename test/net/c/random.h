// A small seeded generator (splitmix64, Steele et al., 2014): one seed, one run.
#ifndef TEST_RANDOM_H
#define TEST_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// 0 ... bound - 1
static inline uint64_t random_below(struct random *random, uint64_t bound) {
    return random_next(random) % bound;
}

static inline bool random_chance(struct random *random, uint32_t per_million) {
    return random_below(random, 1000000) < per_million;
}

#endif
