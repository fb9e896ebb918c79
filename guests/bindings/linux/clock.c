#include "bindings/linux/linux.h"

enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1 };

static solo5_time_t read_clock(int clock) {
    struct {
        int64_t seconds;
        int64_t nanoseconds;
    } time = {0};
    linux_call(CALL_CLOCK_GETTIME, clock, (long)&time, 0, 0, 0, 0);
    return (uint64_t)time.seconds * NS_PER_S + (uint64_t)time.nanoseconds;
}

solo5_time_t solo5_clock_monotonic(void) {
    return read_clock(CLOCK_MONOTONIC);
}

solo5_time_t solo5_clock_wall(void) {
    return read_clock(CLOCK_REALTIME);
}
