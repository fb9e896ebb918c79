// Sieve of Eratosthenes, a byte a number.
#include "kernels/kernels.h"

#define LIMIT (1u << 18)

static uint8_t composite[LIMIT];

static uint64_t count_primes(void) {
    for (size_t i = 0; i < LIMIT; i++)
        composite[i] = 0;
    uint64_t count = 0;
    for (size_t i = 2; i < LIMIT; i++) {
        if (composite[i])
            continue;
        count++;
        for (size_t multiple = i * i; multiple < LIMIT; multiple += i)
            composite[multiple] = 1;
    }
    return count;
}

static uint64_t run(uint64_t rounds) {
    uint64_t checksum = 0;
    for (uint64_t round = 0; round < rounds; round++)
        checksum = mix(checksum, count_primes());
    return checksum;
}

const struct kernel sieve = {"sieve", NULL, run};
