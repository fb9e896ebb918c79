// A run of bytes somewhere, not terminated; and ASCII without regard to case.
#ifndef SLICE_H
#define SLICE_H

#include "kit.h"

struct slice {
    const char *at;
    size_t size;
};

#define SLICE(literal) ((struct slice){literal, sizeof(literal) - 1})

static inline char to_lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
}

static inline bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

// -1: not hexadecimal.
static inline int hex_digit(char letter) {
    if (is_digit(letter))
        return letter - '0';
    letter = to_lower(letter);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// `lower` has no capital letters.
static inline bool slice_is(struct slice slice, struct slice lower) {
    if (slice.size != lower.size)
        return false;
    for (size_t i = 0; i < slice.size; i++)
        if (to_lower(slice.at[i]) != lower.at[i])
            return false;
    return true;
}

static inline bool slice_equals(struct slice a, struct slice b) {
    return a.size == b.size && memcmp(a.at, b.at, a.size) == 0;
}

static inline bool is_blank(char letter) {
    return letter == ' ' || letter == '\t';
}

static inline struct slice slice_trim(struct slice slice) {
    while (slice.size > 0 && is_blank(slice.at[0]))
        slice.at++, slice.size--;
    while (slice.size > 0 && is_blank(slice.at[slice.size - 1]))
        slice.size--;
    return slice;
}

// Cuts the next element off a comma-separated list (RFC 9110, section 5.6.1); false at its end. Empty ones are left
// out.
static inline bool next_element(struct slice *list, struct slice *element) {
    while (list->size > 0) {
        size_t size = 0;
        while (size < list->size && list->at[size] != ',')
            size++;
        *element = slice_trim((struct slice){list->at, size});
        size_t cut = size < list->size ? size + 1 : size;
        *list = (struct slice){list->at + cut, list->size - cut};
        if (element->size > 0)
            return true;
    }
    return false;
}

// Reads decimal digits to the slice's end; UINT64_MAX where the number is larger than that. False: not digits alone.
static inline bool slice_to_number(struct slice digits, uint64_t *number) {
    uint64_t value = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (!is_digit(digits.at[i]))
            return false;
        uint64_t digit = (uint64_t)(digits.at[i] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *number = value;
    return digits.size > 0;
}

#endif
