// Checks both clocks, and that a wait ends at its deadline: time [ROUNDS] [NANOSECONDS]
#include "kit.h"
#include "manifest.h"

MANIFEST();

#define YEAR_2020_NS (1577836800ull * NS_PER_S)

static void check_monotonic(void) {
    solo5_time_t before = solo5_clock_monotonic();
    for (int i = 0; i < 1000; i++) {
        solo5_time_t now = solo5_clock_monotonic();
        if (now < before)
            fail("time: the monotonic clock went back from %lu to %lu", before, now);
        before = now;
    }
}

// Returns how much later than its deadline the wait ended.
static uint64_t wait_until(solo5_time_t deadline) {
    solo5_handle_set_t ready = ~(solo5_handle_set_t)0;
    solo5_yield(deadline, &ready);
    solo5_time_t now = solo5_clock_monotonic();
    if (ready != 0)
        fail("time: a program without devices was told of some, 0x%lx", ready);
    if (now < deadline)
        fail("time: the wait ended %lu ns early", deadline - now);
    return now - deadline;
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t rounds = number_argument(info->cmdline, 0, 10);
    uint64_t wait_ns = number_argument(info->cmdline, 1, 1000000);

    solo5_time_t wall = solo5_clock_wall();
    if (wall < YEAR_2020_NS)
        fail("time: the wall clock stands at %lu", wall);
    check_monotonic();

    solo5_time_t start = solo5_clock_monotonic();
    uint64_t latest_ns = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t late_ns = wait_until(solo5_clock_monotonic() + wait_ns);
        latest_ns = late_ns > latest_ns ? late_ns : latest_ns;
    }
    wait_until(0);
    wait_until(start);
    solo5_yield(solo5_clock_monotonic() + 1, NULL);
    print("time: wall_ns=%lu rounds=%lu waited_ns=%lu latest_ns=%lu\n", wall, rounds, solo5_clock_monotonic() - start,
          latest_ns);
    return SOLO5_EXIT_SUCCESS;
}
