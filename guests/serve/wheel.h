// Timers in a hierarchical wheel (Varghese and Lauck, 1987, scheme 7): start and stop take constant time.
//
// Level n has 64 slots of 64^n ticks each. A timer lies on the level of the highest base-64 digit in which its tick
// differs from the current one, so all slots up to and including the current one are empty on every level.
#ifndef WHEEL_H
#define WHEEL_H

#include "serve.h"

enum {
    WHEEL_TICK_SHIFT = 18, // a tick is 0.26 ms
    WHEEL_SLOTS = 64,
    WHEEL_LEVELS = 8, // 8 digits of 6 bits: every 64-bit time has its slot
};

struct wheel {
    uint64_t tick;
    uint64_t occupied[WHEEL_LEVELS]; // one bit for each slot
    struct serve_timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_ns);

// Starts the timer, or moves it. on_timer and user are the caller's to set.
void wheel_start(struct wheel *wheel, struct serve_timer *timer, uint64_t deadline_ns);
// `delay_ns` after `begin_ns`, however long.
void wheel_start_after(struct wheel *wheel, struct serve_timer *timer, uint64_t begin_ns, uint64_t delay_ns);
void wheel_stop(struct wheel *wheel, struct serve_timer *timer);

static inline bool wheel_is_running(const struct serve_timer *timer) {
    return timer->link != NULL;
}

// Calls every timer that is due.
void wheel_run(struct wheel *wheel, uint64_t now_ns);

// When to call wheel_run() next: no later than the first deadline, sometimes sooner. UINT64_MAX: never.
uint64_t wheel_deadline_ns(const struct wheel *wheel);

#endif
