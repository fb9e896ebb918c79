// Finds every place of a byte in 64 KiB, 16 bytes at a time.
#include "kernels/kernels.h"

#define BYTES 65536u
#define LANES 16u

typedef uint8_t lanes __attribute__((vector_size(LANES)));
typedef uint64_t halves __attribute__((vector_size(LANES)));

static uint8_t text[BYTES] __attribute__((aligned(LANES)));

// Index of the first `byte` at or behind `from`; BYTES where there is none.
static size_t find(uint8_t byte, size_t from) {
    size_t at = from & ~(size_t)(LANES - 1);
    // Of the first lanes those before `from` do not count.
    uint64_t skipped = 8 * (from - at);
    uint64_t low_mask = skipped < 64 ? ~0ull << skipped : 0;
    uint64_t high_mask = skipped < 64 ? ~0ull : ~0ull << (skipped - 64);
    const lanes wanted = (lanes){0} + byte;
    for (; at < BYTES; at += LANES) {
        halves equal = (halves)(*(const lanes *)(text + at) == wanted);
        uint64_t low = equal[0] & low_mask, high = equal[1] & high_mask;
        if ((low | high) != 0)
            return at + (low != 0 ? (size_t)__builtin_ctzll(low) / 8 : 8 + (size_t)__builtin_ctzll(high) / 8);
        low_mask = high_mask = ~0ull;
    }
    return BYTES;
}

static void prepare(void) {
    uint64_t random = 1;
    for (size_t i = 0; i < BYTES; i++) {
        uint64_t number = random_next(&random);
        // Letters are frequent, and one byte in a thousand is below 4.
        text[i] = (uint8_t)(number % 1000 == 0 ? number >> 62 : 'a' + (number >> 32) % 26);
    }
}

static uint64_t run(uint64_t rounds) {
    uint64_t checksum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        uint8_t byte = (uint8_t)(round & 3);
        for (size_t at = find(byte, 0); at < BYTES; at = find(byte, at + 1))
            checksum = mix(checksum, at);
        barrier();
    }
    return checksum;
}

const struct kernel search = {"search", prepare, run};
