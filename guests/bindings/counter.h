// The processor's own clock, readable without leave.
#ifndef BINDINGS_COUNTER_H
#define BINDINGS_COUNTER_H

#include <stdint.h>

static inline uint64_t read_counter(void) {
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#else
    uint64_t ticks;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
#endif
}

#endif
