// Checks that floating point and SIMD work, and that their registers are left alone while the program waits.
#include "kit.h"
#include "manifest.h"

MANIFEST();

enum { PARTS = 50, TERMS = 1000 };

typedef uint32_t lanes __attribute__((vector_size(16)));

// So much of Leibniz's series for pi as one part has.
static double add_part(double sum, int part) {
    for (int i = part * TERMS; i < (part + 1) * TERMS; i++)
        sum += (i % 2 == 0 ? 4.0 : -4.0) / (2 * i + 1);
    return sum;
}

static lanes mix_part(lanes state, int part) {
    for (int i = 0; i < TERMS; i++)
        state = (state ^ state << 5) * 0x9e3779b1 + (uint32_t)part;
    return state;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void compute(bool waiting, double *sum, lanes *state) {
    *sum = 0;
    *state = (lanes){1, 2, 3, 4};
    for (int part = 0; part < PARTS; part++) {
        *sum = add_part(*sum, part);
        *state = mix_part(*state, part);
        if (waiting)
            solo5_yield(solo5_clock_monotonic() + 10000, NULL);
    }
}

int solo5_app_main(const struct solo5_start_info *info) {
    (void)info;
    double sum, sum_waiting;
    lanes state, state_waiting;
    compute(false, &sum, &state);
    compute(true, &sum_waiting, &state_waiting);
    if (bits_of(sum) != bits_of(sum_waiting) || memcmp(&state, &state_waiting, sizeof state) != 0)
        fail("fpu: waiting changes the result");
    if (sum < 3.1415 || sum > 3.1416)
        fail("fpu: pi is %lu millionths", (uint64_t)(sum * 1e6));
    print("fpu: pi=%016lx lanes=%08x%08x%08x%08x\n", bits_of(sum), state[0], state[1], state[2], state[3]);
    return SOLO5_EXIT_SUCCESS;
}
