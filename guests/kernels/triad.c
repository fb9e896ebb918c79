// The triad of McCalpin's STREAM, on arrays that fit into a processor's caches: a processor's speed, not its memory's.
#include "kernels/kernels.h"

#define ELEMENTS 32768u

static double a[ELEMENTS], b[ELEMENTS], c[ELEMENTS];

static void prepare(void) {
    uint64_t random = 1;
    for (size_t i = 0; i < ELEMENTS; i++) {
        b[i] = random_fraction(&random);
        c[i] = random_fraction(&random) - 0.5;
    }
}

static void triad_of(double scalar) {
    for (size_t i = 0; i < ELEMENTS; i++)
        a[i] = b[i] + scalar * c[i];
}

static uint64_t run(uint64_t rounds) {
    uint64_t checksum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        triad_of(1.1 + (double)(round % 16));
        barrier();
        checksum = mix(checksum, quantized(a[round % ELEMENTS]));
    }
    return checksum;
}

const struct kernel triad = {"triad", prepare, run};
