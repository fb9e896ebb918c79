// IEEE 754 doubles by integer instructions alone: a number is its 64 bits.
#ifndef KV_REAL_H
#define KV_REAL_H

#include "servers/kv/bytes.h"

typedef uint64_t real;

enum { REAL_TEXT_MAX = 32 };

#define REAL_SIGN (1ull << 63)
#define REAL_INFINITY 0x7ff0000000000000ull

// Reads a decimal number, with or without an exponent, or inf, -inf, infinity in any case; the nearest double, ties to even.
// False for anything else, for NaN, and where the number is too large or so small that it would become zero.
bool real_parse(struct bytes text, real *number);

// The fewest digits that read back as the same number, of 15, 16 or 17 and without zeros at the end; an exponent as C's
// %.17g has it. At most REAL_TEXT_MAX bytes.
size_t real_print(uint8_t *to, real number);

real real_of_i64(int64_t number);

static inline bool real_is_nan(real number) {
    return (number & ~REAL_SIGN) > REAL_INFINITY;
}

// The sum, rounded to the nearest, ties to even; NaN for inf - inf.
real real_add(real a, real b);

// A number that is ordered as the real is; both zeros are the same.
static inline int64_t real_order(real number) {
    return number & REAL_SIGN ? -(int64_t)(number & ~REAL_SIGN) : (int64_t)number;
}

// mantissa * 2^exponent, rounded to the nearest, ties to even; `inexact`: a little more than that. Infinite where too large.
real real_round(bool negative, uint64_t mantissa, int exponent, bool inexact);

#endif
