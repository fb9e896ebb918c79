#include "serve/wheel.h"

enum { DIGIT_BITS = 6, DIGIT_MASK = WHEEL_SLOTS - 1 };

static uint32_t digit(uint64_t tick, uint32_t level) {
    return (uint32_t)(tick >> (DIGIT_BITS * level)) & DIGIT_MASK;
}

void wheel_init(struct wheel *wheel, uint64_t now_ns) {
    *wheel = (struct wheel){.tick = now_ns >> WHEEL_TICK_SHIFT};
}

static void insert(struct wheel *wheel, struct serve_timer *timer) {
    uint64_t tick = timer->deadline_ns >> WHEEL_TICK_SHIFT;
    if (timer->deadline_ns & ((1u << WHEEL_TICK_SHIFT) - 1))
        tick++;
    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    uint32_t level = (63 - (uint32_t)__builtin_clzll(tick ^ wheel->tick)) / DIGIT_BITS;
    uint32_t slot = digit(tick, level);
    struct serve_timer **head = &wheel->slots[level][slot];
    timer->next = *head;
    timer->link = head;
    if (timer->next)
        timer->next->link = &timer->next;
    *head = timer;
    wheel->occupied[level] |= 1ull << slot;
}

void wheel_stop(struct wheel *wheel, struct serve_timer *timer) {
    if (!timer->link)
        return;
    *timer->link = timer->next;
    if (timer->next) {
        timer->next->link = timer->link;
    } else {
        // Only a slot's head lies within the wheel; its place there tells the slot.
        uintptr_t offset = (uintptr_t)timer->link - (uintptr_t)&wheel->slots[0][0];
        if (offset < sizeof wheel->slots) {
            uint32_t index = (uint32_t)(offset / sizeof(struct serve_timer *));
            wheel->occupied[index / WHEEL_SLOTS] &= ~(1ull << index % WHEEL_SLOTS);
        }
    }
    timer->next = NULL;
    timer->link = NULL;
}

void wheel_start(struct wheel *wheel, struct serve_timer *timer, uint64_t deadline_ns) {
    wheel_stop(wheel, timer);
    timer->deadline_ns = deadline_ns;
    insert(wheel, timer);
}

void wheel_start_after(struct wheel *wheel, struct serve_timer *timer, uint64_t begin_ns, uint64_t delay_ns) {
    uint64_t deadline_ns = begin_ns + delay_ns;
    wheel_start(wheel, timer, deadline_ns < delay_ns ? UINT64_MAX : deadline_ns);
}

// The tick at which the first occupied slot begins. Lower levels come first: they end before the next slot above.
static bool next_slot(const struct wheel *wheel, uint32_t *level_out, uint64_t *tick_out) {
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
        if (!wheel->occupied[level])
            continue;
        uint64_t slot = (uint64_t)__builtin_ctzll(wheel->occupied[level]);
        uint32_t shift = DIGIT_BITS * level;
        *level_out = level;
        *tick_out = ((wheel->tick >> shift & ~(uint64_t)DIGIT_MASK) | slot) << shift;
        return true;
    }
    return false;
}

void wheel_run(struct wheel *wheel, uint64_t now_ns) {
    uint64_t target = now_ns >> WHEEL_TICK_SHIFT, tick;
    uint32_t level;
    while (next_slot(wheel, &level, &tick) && tick <= target) {
        wheel->tick = tick;
        struct serve_timer **head = &wheel->slots[level][digit(tick, level)];
        while (*head) {
            struct serve_timer *timer = *head;
            wheel_stop(wheel, timer);
            // Its upper digits are the current ones now: either it is due, or it moves to a lower level.
            if (timer->deadline_ns <= tick << WHEEL_TICK_SHIFT)
                timer->on_timer(timer, timer->user);
            else insert(wheel, timer);
        }
    }
    if (wheel->tick < target)
        wheel->tick = target;
}

uint64_t wheel_deadline_ns(const struct wheel *wheel) {
    uint32_t level;
    uint64_t tick;
    return next_slot(wheel, &level, &tick) ? tick << WHEEL_TICK_SHIFT : UINT64_MAX;
}
