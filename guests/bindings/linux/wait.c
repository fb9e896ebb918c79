#include "bindings/linux/linux.h"

struct arrivals {
    solo5_handle_set_t ready;
    bool timer;
};

static int epoll_fd;
static int timer_fd;
static solo5_time_t armed; // the deadline that the timer holds, expired or not; 0 before the first

void wait_use(const struct spt_boot_info *info) {
    epoll_fd = info->epoll_fd;
    timer_fd = info->timer_fd;
}

static struct arrivals collect(int timeout_ms) {
    struct epoll_event events[MANIFEST_MAX_ENTRIES];
    struct arrivals arrivals = {0};
    long count;
    do {
        count = linux_call(CALL_EPOLL_PWAIT, epoll_fd, (long)events, MANIFEST_MAX_ENTRIES, timeout_ms, 0, 0);
    } while (count == ERROR_INTERRUPTED);
    for (long i = 0; i < count; i++) {
        if (events[i].data == SPT_TIMER_EVENT)
            arrivals.timer = true;
        else
            arrivals.ready |= (solo5_handle_set_t)1 << (events[i].data % MANIFEST_MAX_ENTRIES);
    }
    return arrivals;
}

static void arm(solo5_time_t deadline) {
    enum { TFD_TIMER_ABSTIME = 1 };
    struct {
        int64_t interval[2];
        int64_t seconds;
        int64_t nanoseconds;
    } setting = {.seconds = (int64_t)(deadline / NS_PER_S), .nanoseconds = (int64_t)(deadline % NS_PER_S)};
    linux_call(CALL_TIMERFD_SETTIME, timer_fd, TFD_TIMER_ABSTIME, (long)&setting, 0, 0, 0);
    armed = deadline;
}

// One system call where a frame waits or the deadline is known to be over. The timer is set anew only for another
// deadline: an expired one stays readable, so that it ends a later wait for the same deadline at once.
void solo5_yield(solo5_time_t deadline, solo5_handle_set_t *ready) {
    if (deadline == 0)
        deadline = 1; // 0 would stop the timer
    struct arrivals arrivals = collect(0);
    bool over = arrivals.timer && deadline <= armed;
    if (arrivals.ready == 0 && !over) {
        if (deadline != armed)
            arm(deadline);
        do {
            arrivals = collect(-1);
        } while (arrivals.ready == 0 && !arrivals.timer);
    }
    if (ready != NULL)
        *ready = arrivals.ready;
}
