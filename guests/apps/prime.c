// Counts primes as the CPU test of sysbench does, an event being one count: prime [EVENTS] [MAXIMUM]
// The square root, there a call of sqrt(), is carried along, so that the program needs no floating point.
#include "apps/bench.h"
#include "manifest.h"

MANIFEST();

__attribute__((noinline)) static uint64_t count_primes(uint64_t maximum) {
    uint64_t count = 0, root = 1;
    for (uint64_t candidate = 3; candidate < maximum; candidate++) {
        if ((root + 1) * (root + 1) <= candidate)
            root++;
        uint64_t divisor = 2;
        while (divisor <= root && candidate % divisor != 0)
            divisor++;
        count += divisor > root;
    }
    return count;
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t events = number_argument(info->cmdline, 0, 100);
    uint64_t maximum = number_argument(info->cmdline, 1, 10000);
    uint64_t total = 0;
    solo5_time_t start = solo5_clock_monotonic();
    for (uint64_t i = 0; i < events; i++) {
        __asm__ volatile("" : "+r"(maximum));
        total += count_primes(maximum);
    }
    bench_report("prime", events, total, solo5_clock_monotonic() - start);
    return SOLO5_EXIT_SUCCESS;
}
