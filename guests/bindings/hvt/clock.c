#include "bindings/counter.h"
#include "bindings/hvt/hvt.h"

static uint64_t ns_per_tick; // in units of 2^-32

void clock_use(uint64_t counter_hz) {
    ns_per_tick = (NS_PER_S << 32) / counter_hz;
}

solo5_time_t solo5_clock_monotonic(void) {
    return (uint64_t)((unsigned __int128)read_counter() * ns_per_tick >> 32);
}

solo5_time_t solo5_clock_wall(void) {
    struct hypercall_walltime time = {0};
    hypercall(HYPERCALL_WALLTIME, &time);
    return time.ns;
}

void solo5_yield(solo5_time_t deadline, solo5_handle_set_t *ready) {
    solo5_time_t now = solo5_clock_monotonic();
    struct hypercall_poll poll = {.timeout_ns = deadline > now ? deadline - now : 0};
    hypercall(HYPERCALL_POLL, &poll);
    if (ready != NULL)
        *ready = poll.ready;
}
