// Product of two matrices of 32-bit integers, each element as rows times columns.
#include "kernels/kernels.h"

#define SIDE 64u

static uint32_t a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static void multiply(void) {
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            uint32_t sum = 0;
            for (size_t k = 0; k < SIDE; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

static void prepare(void) {
    uint64_t random = 1;
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            a[i][j] = (uint32_t)random_next(&random);
            b[i][j] = (uint32_t)random_next(&random);
        }
}

static uint64_t run(uint64_t rounds) {
    uint64_t checksum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        barrier();
        multiply();
        barrier();
        checksum = mix(checksum, c[round % SIDE][round / SIDE % SIDE]);
    }
    return checksum;
}

const struct kernel matmul = {"matmul", prepare, run};
