#include "servers/kv/text.h"

bool parse_u64(struct bytes text, uint64_t *number) {
    if (text.size == 0 || text.size > I64_TEXT_MAX || (text.at[0] == '0' && text.size > 1))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = text.at[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *number = value;
    return true;
}

bool parse_i64(struct bytes text, int64_t *number) {
    uint64_t value;
    if (text.size > 0 && text.at[0] == '-') {
        struct bytes digits = {text.at + 1, text.size - 1};
        if (!parse_u64(digits, &value) || value == 0 || value > 1ull << 63)
            return false;
        *number = (int64_t)(0 - value);
        return true;
    }
    if (!parse_u64(text, &value) || value > INT64_MAX)
        return false;
    *number = (int64_t)value;
    return true;
}

size_t u64_digits(uint64_t number) {
    static const uint64_t powers[I64_TEXT_MAX] = {
        0,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000u,
    };
    // log10(2) = 1233 / 4096, a little more: right, or one too large.
    unsigned log = (unsigned)(64 - __builtin_clzll(number | 1)) * 1233 >> 12;
    return log + (number >= powers[log]);
}

size_t print_u64(uint8_t *to, uint64_t number) {
    if (number < 10) {
        to[0] = (uint8_t)('0' + number);
        return 1;
    }
    size_t size = u64_digits(number);
    for (size_t at = size; at-- > 0; number /= 10)
        to[at] = (uint8_t)('0' + number % 10);
    return size;
}

size_t print_i64(uint8_t *to, int64_t number) {
    if (number >= 0)
        return print_u64(to, (uint64_t)number);
    to[0] = '-';
    return 1 + print_u64(to + 1, 0 - (uint64_t)number);
}

// Reads the set after '[' at *at, moves *at behind its ']' or to the end, and tells whether it has `letter`.
static bool set_has(struct bytes pattern, size_t *at, uint8_t letter) {
    size_t i = *at + 1;
    bool inverted = i < pattern.size && pattern.at[i] == '^';
    bool has = false;
    if (inverted)
        i++;
    for (; i < pattern.size && pattern.at[i] != ']'; i++) {
        if (pattern.at[i] == '\\' && i + 1 < pattern.size) {
            has |= pattern.at[++i] == letter;
        } else if (i + 2 < pattern.size && pattern.at[i + 1] == '-') {
            uint8_t low = pattern.at[i], high = pattern.at[i + 2];
            if (low > high) {
                low = high;
                high = pattern.at[i];
            }
            has |= letter >= low && letter <= high;
            i += 2;
        } else {
            has |= pattern.at[i] == letter;
        }
    }
    *at = i < pattern.size ? i + 1 : i;
    return has != inverted;
}

// Matches one letter with what stands at *at, and moves *at behind it.
static bool one_matches(struct bytes pattern, size_t *at, uint8_t letter) {
    if (pattern.at[*at] == '[')
        return set_has(pattern, at, letter);
    if (pattern.at[*at] == '\\' && *at + 1 < pattern.size)
        ++*at;
    else if (pattern.at[*at] == '?')
        return ++*at, true;
    return pattern.at[(*at)++] == letter;
}

// After a mismatch only the last star can take one letter more, so the time is at most the product of both lengths.
bool glob_matches(struct bytes pattern, struct bytes name) {
    size_t at = 0, i = 0, star_at = SIZE_MAX, star_i = 0;
    while (i < name.size) {
        if (at < pattern.size && pattern.at[at] == '*') {
            star_at = ++at;
            star_i = i;
        } else if (at < pattern.size && one_matches(pattern, &at, name.at[i])) {
            i++;
        } else if (star_at != SIZE_MAX) {
            at = star_at;
            i = ++star_i;
        } else {
            return false;
        }
    }
    while (at < pattern.size && pattern.at[at] == '*')
        at++;
    return at == pattern.size;
}
