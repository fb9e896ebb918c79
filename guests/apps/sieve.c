// Sieve of Eratosthenes, a byte a number: sieve [ITERATIONS] [LIMIT]
#include "apps/bench.h"
#include "manifest.h"

MANIFEST();

__attribute__((noinline)) static uint64_t sieve(uint8_t *composite, uint64_t limit) {
    memset(composite, 0, limit);
    uint64_t count = 0;
    for (uint64_t i = 2; i < limit; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint64_t multiple = i * i; multiple < limit; multiple += i)
            composite[multiple] = 1;
    }
    return count;
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t iterations = number_argument(info->cmdline, 0, 10);
    uint64_t limit = number_argument(info->cmdline, 1, 1 << 20);
    struct arena arena = arena_of(info, BENCH_STACK_BYTES);
    uint8_t *composite = bench_memory(&arena, limit);
    if (limit > UINT32_MAX)
        fail("sieve: the limit is at most %u", UINT32_MAX);
    uint64_t checksum = 0;
    solo5_time_t start = solo5_clock_monotonic();
    for (uint64_t i = 0; i < iterations; i++)
        checksum += sieve(composite, limit);
    bench_report("sieve", iterations, checksum, solo5_clock_monotonic() - start);
    return SOLO5_EXIT_SUCCESS;
}
