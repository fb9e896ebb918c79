#include "servers/kv/big.h"
#include "servers/kv/real.h"
#include "servers/kv/text.h"

// Any point half-way between two doubles has fewer digits than DIGITS_MAX: of what follows, it matters only whether it is zero.
enum { DIGITS_MAX = 780, POINT_MAX = 310, POINT_MIN = -330, EXPONENT_CUT = 99999 };

struct decimal {
    uint8_t digit[DIGITS_MAX]; // the first is not 0
    int digits;
    int point; // 0.DIGITS * 10^point
    bool more; // digits other than 0 follow
};

static bool is_digit(struct bytes text, size_t at) {
    return at < text.size && text.at[at] >= '0' && text.at[at] <= '9';
}

static void add_digit(struct decimal *decimal, uint8_t digit, bool behind_point) {
    if (decimal->digits == 0 && digit == 0) {
        decimal->point -= behind_point;
        return;
    }
    if (decimal->digits < DIGITS_MAX)
        decimal->digit[decimal->digits++] = digit;
    else
        decimal->more |= digit != 0;
    decimal->point += !behind_point;
}

// Reads the exponent at *at.
static bool read_exponent(struct bytes text, size_t *at, int *exponent) {
    bool negative = false;
    ++*at;
    if (*at < text.size && (text.at[*at] == '-' || text.at[*at] == '+'))
        negative = text.at[(*at)++] == '-';
    if (!is_digit(text, *at))
        return false;
    int value = 0;
    for (; is_digit(text, *at); ++*at)
        if (value < EXPONENT_CUT)
            value = value * 10 + (text.at[*at] - '0');
    *exponent = negative ? -value : value;
    return true;
}

static bool read_decimal(struct bytes text, struct decimal *decimal) {
    size_t at = 0;
    bool any = false;
    decimal->digits = decimal->point = 0;
    decimal->more = false;
    for (; is_digit(text, at); at++, any = true)
        add_digit(decimal, text.at[at] - '0', false);
    if (at < text.size && text.at[at] == '.')
        for (at++; is_digit(text, at); at++, any = true)
            add_digit(decimal, text.at[at] - '0', true);
    if (!any)
        return false;
    int exponent = 0;
    if (at < text.size && (text.at[at] | 0x20) == 'e' && !read_exponent(text, &at, &exponent))
        return false;
    decimal->point += exponent;
    return at == text.size;
}

// Divides until 64 bits are there, the uppermost set; what is left over makes the result inexact.
static real divide(bool negative, struct big *over, struct big *under, bool inexact) {
    int exponent = (int)big_bits(over) - (int)big_bits(under);
    if (exponent < 0)
        big_shift_up(over, (unsigned)-exponent);
    else
        big_shift_up(under, (unsigned)exponent);
    uint64_t quotient = 0;
    for (exponent++; quotient >> 63 == 0; exponent--) {
        quotient <<= 1;
        if (big_compare(over, under) >= 0) {
            big_subtract(over, under);
            quotient |= 1;
        }
        big_shift_up(over, 1);
    }
    return real_round(negative, quotient, exponent, inexact || over->used != 0);
}

static real nearest(bool negative, const struct decimal *decimal) {
    static struct big over, under;
    int exponent = decimal->point - decimal->digits;
    big_set(&over, 0);
    for (int i = 0; i < decimal->digits; i++)
        big_multiply_add(&over, 10, decimal->digit[i]);
    big_set(&under, 1);
    big_multiply_power_of_ten(exponent < 0 ? &under : &over, (unsigned)(exponent < 0 ? -exponent : exponent));
    return divide(negative, &over, &under, decimal->more);
}

bool real_parse(struct bytes text, real *number) {
    static struct decimal decimal;
    int64_t whole;
    if (text.size < I64_TEXT_MAX - 1 && parse_i64(text, &whole)) {
        *number = real_of_i64(whole);
        return true;
    }
    bool negative = text.size > 0 && text.at[0] == '-';
    if (negative || (text.size > 0 && text.at[0] == '+'))
        text = (struct bytes){text.at + 1, text.size - 1};
    real sign = negative ? REAL_SIGN : 0;
    if (bytes_are(text, "inf") || bytes_are(text, "infinity")) {
        *number = sign | REAL_INFINITY;
        return true;
    }
    if (!read_decimal(text, &decimal))
        return false;
    if (decimal.digits == 0) {
        *number = sign;
        return true;
    }
    if (decimal.point > POINT_MAX || decimal.point < POINT_MIN)
        return false;
    *number = nearest(negative, &decimal);
    return (*number & ~REAL_SIGN) != REAL_INFINITY && *number << 1 != 0;
}

// Writes all 17 digits, cut off, and returns the first one's power of ten; `rest` receives how what was cut off compares with
// one half of the last digit, and `exact` whether it was nothing.
enum { DIGITS = 17 };

static int make_digits(uint64_t mantissa, int exponent, uint8_t digit[DIGITS], int *rest, bool *exact) {
    static struct big over, under;
    big_set(&over, mantissa);
    big_set(&under, 1);
    big_shift_up(exponent >= 0 ? &over : &under, (unsigned)(exponent >= 0 ? exponent : -exponent));
    // log10(2) = 78913 / 2^18, a little less: the power comes out right or one too small.
    int power = ((int)(63 - __builtin_clzll(mantissa)) + exponent) * 78913 >> 18;
    big_multiply_power_of_ten(power >= 0 ? &under : &over, (unsigned)(power >= 0 ? power : -power));
    big_multiply_add(&under, 10, 0);
    if (big_compare(&over, &under) >= 0)
        power++;
    else
        big_multiply_add(&over, 10, 0);
    for (int i = 0; i < DIGITS; i++) {
        digit[i] = 0;
        for (; big_compare(&over, &under) >= 0; digit[i]++)
            big_subtract(&over, &under);
        big_multiply_add(&over, i < DIGITS - 1 ? 10 : 2, 0);
    }
    *rest = big_compare(&over, &under);
    *exact = over.used == 0;
    return power;
}

// Rounds to `count` digits without zeros at the end, in place; returns how many those are.
static int round_digits(uint8_t *digit, int count, int rest, bool exact, int *power) {
    bool up;
    if (count == DIGITS) {
        up = rest > 0 || (rest == 0 && (digit[count - 1] & 1));
    } else {
        bool more = !exact;
        for (int i = count + 1; i < DIGITS; i++)
            more |= digit[i] != 0;
        up = digit[count] > 5 || (digit[count] == 5 && (more || (digit[count - 1] & 1)));
    }
    if (up) {
        int at = count - 1;
        while (at >= 0 && digit[at] == 9)
            at--;
        if (at < 0) {
            ++*power;
            digit[0] = 1;
            return 1;
        }
        digit[at]++;
        return at + 1;
    }
    while (count > 1 && digit[count - 1] == 0)
        count--;
    return count;
}

static size_t write_digits(uint8_t *to, bool negative, const uint8_t *digit, int count, int power) {
    uint8_t *at = to;
    bool scientific = power < -4 || power >= DIGITS;
    int point = scientific ? 0 : power; // the place of the last digit before the point
    if (negative)
        *at++ = '-';
    for (int place = point < 0 ? point : 0; place < 0; place++) {
        *at++ = '0';
        if (place == point)
            *at++ = '.';
    }
    for (int i = 0; i < count || i <= point; i++) {
        if (i > 0 && i == point + 1)
            *at++ = '.';
        *at++ = (uint8_t)('0' + (i < count ? digit[i] : 0));
    }
    if (scientific) {
        unsigned size = (unsigned)(power < 0 ? -power : power);
        *at++ = 'e';
        *at++ = power < 0 ? '-' : '+';
        if (size < 10)
            *at++ = '0';
        at += print_u64(at, size);
    }
    return (size_t)(at - to);
}

size_t real_print(uint8_t *to, real number) {
    enum { MANTISSA_BITS = 52, BIAS = 1075, FIELD_MAX = 2047 };
    bool negative = number >> 63;
    uint64_t mantissa = number & ((1ull << MANTISSA_BITS) - 1);
    int field = (int)(number >> MANTISSA_BITS & FIELD_MAX);
    if (field == FIELD_MAX) {
        struct bytes text = real_is_nan(number) ? TEXT("nan") : negative ? TEXT("-inf") : TEXT("inf");
        copy_bytes(to, text.at, text.size);
        return text.size;
    }
    if (field > 0)
        mantissa |= 1ull << MANTISSA_BITS;
    int exponent = (field > 0 ? field : 1) - BIAS;
    bool whole = exponent <= 0 && exponent >= -MANTISSA_BITS && (mantissa & ((1ull << -exponent) - 1)) == 0;
    if (whole || mantissa == 0) {
        to[0] = '-';
        return negative + print_u64(to + negative, mantissa == 0 ? 0 : mantissa >> -exponent);
    }
    uint8_t exact_digit[DIGITS], digit[DIGITS];
    int rest, exact_power;
    bool exact;
    exact_power = make_digits(mantissa, exponent, exact_digit, &rest, &exact);
    for (int count = 15;; count++) {
        int power = exact_power;
        memcpy(digit, exact_digit, sizeof digit);
        int kept = round_digits(digit, count, rest, exact, &power);
        size_t size = write_digits(to, negative, digit, kept, power);
        real back;
        if (count == DIGITS || (real_parse((struct bytes){to, size}, &back) && back == number))
            return size;
    }
}
