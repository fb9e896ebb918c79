// What the compute programs share: the same line from each, with a checksum that tells whether the work was done.
#ifndef APPS_BENCH_H
#define APPS_BENCH_H

#include "kit.h"

#define BENCH_STACK_BYTES 65536u

static inline void *bench_memory(struct arena *arena, size_t size) {
    void *memory = arena_take(arena, size, 4096);
    if (memory == NULL)
        fail("%zu bytes do not fit into this guest's memory", size);
    return memory;
}

static inline void bench_report(const char *name, uint64_t iterations, uint64_t checksum, uint64_t ns) {
    print("%s: iterations=%lu checksum=%016lx ns=%lu\n", name, iterations, checksum, ns);
}

// xorshift64 (Marsaglia, 2003): test data, the same in every run.
static inline uint64_t bench_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

// Mixes a value into a checksum.
static inline uint64_t bench_mix(uint64_t checksum, uint64_t value) {
    return (checksum ^ value) * 0x100000001b3;
}

#endif
