// Whole numbers large enough for any double's digits.
#ifndef KV_BIG_H
#define KV_BIG_H

#include "kit.h"

// The largest: 800 digits before the point, or ten to the 1124th (800 digits behind the smallest double's own 324), and
// 128 bits to shift by.
enum { BIG_LIMBS = 160 };

struct big {
    uint32_t used; // limbs; the uppermost is not 0
    uint32_t limb[BIG_LIMBS];
};

void big_set(struct big *big, uint64_t number);
void big_multiply_add(struct big *big, uint32_t factor, uint32_t summand);
void big_multiply_power_of_ten(struct big *big, unsigned power);
void big_shift_up(struct big *big, unsigned bits);
int big_compare(const struct big *a, const struct big *b);
void big_subtract(struct big *from, const struct big *what); // what <= from
unsigned big_bits(const struct big *big);                    // up to and with the uppermost that is set

#endif
