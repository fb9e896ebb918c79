// Product of two matrices of doubles, adding up multiples of rows.
#include "kernels/kernels.h"

#define SIDE 64u

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static void multiply(void) {
    for (size_t i = 0; i < SIDE; i++) {
        for (size_t j = 0; j < SIDE; j++)
            c[i][j] = 0;
        for (size_t k = 0; k < SIDE; k++) {
            double factor = a[i][k];
            for (size_t j = 0; j < SIDE; j++)
                c[i][j] += factor * b[k][j];
        }
    }
}

static void prepare(void) {
    uint64_t random = 1;
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            a[i][j] = random_fraction(&random);
            b[i][j] = random_fraction(&random) - 0.5;
        }
}

static uint64_t run(uint64_t rounds) {
    uint64_t checksum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        barrier();
        multiply();
        barrier();
        checksum = mix(checksum, quantized(c[round % SIDE][round / SIDE % SIDE]));
    }
    return checksum;
}

const struct kernel matmul_f64 = {"matmul-f64", prepare, run};
