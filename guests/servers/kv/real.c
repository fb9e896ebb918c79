#include "servers/kv/real.h"

enum { MANTISSA_BITS = 52, BIAS = 1075, EXPONENT_MAX = 2047 };

real real_round(bool negative, uint64_t mantissa, int exponent, bool inexact) {
    real sign = negative ? REAL_SIGN : 0;
    if (mantissa == 0)
        return sign;
    int up = __builtin_clzll(mantissa);
    mantissa <<= up;
    exponent -= up;
    // The uppermost bit is set: 11 bits are too many, and more where the number is below the smallest normal one.
    int field = exponent + 11 + BIAS;
    int drop = 11;
    if (field < 1) {
        drop += 1 - field;
        field = 1;
    }
    if (drop > 64)
        return sign;
    uint64_t kept = drop == 64 ? 0 : mantissa >> drop;
    uint64_t half = 1ull << (drop - 1);
    uint64_t rest = drop == 64 ? mantissa : mantissa & (half * 2 - 1);
    if (rest > half || (rest == half && (inexact || (kept & 1))))
        kept++;
    // A subnormal number has the field 0, and kept's own bit 52, where it is set, adds 1 to it.
    real bits = ((uint64_t)(field - 1) << MANTISSA_BITS) + kept;
    return field >= EXPONENT_MAX || bits >= REAL_INFINITY ? sign | REAL_INFINITY : sign | bits;
}

real real_of_i64(int64_t number) {
    return real_round(number < 0, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 0, false);
}

struct parts {
    bool negative;
    uint64_t mantissa;
    int exponent; // of the mantissa's lowest bit
};

static struct parts parts_of(real number) {
    int field = (int)(number >> MANTISSA_BITS & EXPONENT_MAX);
    uint64_t mantissa = number & ((1ull << MANTISSA_BITS) - 1);
    if (field > 0)
        mantissa |= 1ull << MANTISSA_BITS;
    return (struct parts){number >> 63, mantissa, (field > 0 ? field : 1) - BIAS};
}

typedef unsigned __int128 wide;

// sum * 2^(exponent - 64)
static real round_wide(bool negative, wide sum, int exponent, bool inexact) {
    if (sum >> 64 == 0) {
        sum <<= 64;
        exponent -= 64;
    }
    int up = sum == 0 ? 0 : __builtin_clzll((uint64_t)(sum >> 64));
    sum <<= up;
    return real_round(negative, (uint64_t)(sum >> 64), exponent - up, inexact || (uint64_t)sum != 0);
}

// The magnitude of `a` is at least that of `b`.
static real add_finite(struct parts a, struct parts b) {
    enum { SMALL_BITS = MANTISSA_BITS + 1 + 64 };
    int apart = a.exponent - b.exponent;
    wide large = (wide)a.mantissa << 64, small = (wide)b.mantissa << 64;
    bool inexact = apart > SMALL_BITS ? small != 0 : (small & (((wide)1 << apart) - 1)) != 0;
    small = apart > SMALL_BITS ? 0 : small >> apart;
    if (a.negative == b.negative)
        return round_wide(a.negative, large + small, a.exponent, inexact);
    // What was cut off makes the difference smaller, by less than one: so one less, and inexact.
    wide difference = large - small - inexact;
    return difference == 0 && !inexact ? 0 : round_wide(a.negative, difference, a.exponent, inexact);
}

real real_add(real a, real b) {
    if ((a & ~REAL_SIGN) < (b & ~REAL_SIGN)) {
        real swap = a;
        a = b;
        b = swap;
    }
    if ((a & ~REAL_SIGN) == REAL_INFINITY)
        return (b & ~REAL_SIGN) == REAL_INFINITY && a != b ? REAL_INFINITY | 1 : a;
    if ((a | b) << 1 == 0)
        return a & b;
    return add_finite(parts_of(a), parts_of(b));
}
