// Fibonacci numbers by recursion: calls and returns.
#include "kernels/kernels.h"

#define INDEX 20u

// Not inlined into itself: calls are what is measured.
__attribute__((noinline)) static uint64_t fib_of(uint64_t index) {
    return index < 2 ? index : fib_of(index - 1) + fib_of(index - 2);
}

static uint64_t run(uint64_t rounds) {
    uint64_t checksum = 0;
    for (uint64_t round = 0; round < rounds; round++)
        checksum = mix(checksum, fib_of(INDEX + round % 2));
    return checksum;
}

const struct kernel fib = {"fib", NULL, run};
