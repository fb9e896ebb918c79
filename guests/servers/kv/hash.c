#include "servers/kv/hash.h"

#include "servers/kv/entropy.h"

uint64_t hash_key[4];

static uint64_t random_state;

extern uintptr_t __stack_chk_guard;

// SplitMix64's finaliser: a bijection in which each bit depends on all.
static uint64_t mix(uint64_t word) {
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
    word = (word ^ word >> 27) * 0x94d049bb133111ebu;
    return word ^ word >> 31;
}

void hash_seed(void) {
    uint64_t state = mix(__stack_chk_guard);
    for (size_t i = 0; i < COUNT_OF(hash_key); i++) {
        state = mix(state + solo5_clock_wall());
        state = mix(state ^ processor_random());
        state = mix(state + solo5_clock_monotonic() + 0x9e3779b97f4a7c15u);
        hash_key[i] = state;
    }
    random_state = mix(state);
}

uint64_t random_u64(void) {
    random_state += 0x9e3779b97f4a7c15u;
    return mix(random_state);
}
