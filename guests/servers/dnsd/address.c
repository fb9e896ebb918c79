#include "servers/dnsd/address.h"

int hex_digit(char letter) {
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool decimal_read(struct word word, uint64_t most, uint64_t *number) {
    uint64_t value = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(word.at[i] - '0');
        if (value > most)
            return false;
    }
    *number = value;
    return word.size > 0;
}

bool parse_ipv4(struct word word, uint8_t address[4]) {
    for (int i = 0; i < 4; i++) {
        struct word digits = {word.at, 0};
        uint64_t byte;
        while (digits.size < word.size && word.at[digits.size] != '.')
            digits.size++;
        bool is_last = digits.size == word.size;
        if (is_last != (i == 3) || digits.size > 3 || !decimal_read(digits, 255, &byte))
            return false;
        address[i] = (uint8_t)byte;
        size_t cut = digits.size + !is_last;
        word = (struct word){word.at + cut, word.size - cut};
    }
    return true;
}

// One group of an IPv6 address, up to ':' or the end.
static bool cut_group(struct word *word, uint16_t *group) {
    size_t size = 0;
    unsigned value = 0;
    for (; size < word->size && word->at[size] != ':'; size++) {
        int digit = hex_digit(word->at[size]);
        if (digit < 0 || size == 4)
            return false;
        value = value << 4 | (unsigned)digit;
    }
    *group = (uint16_t)value;
    *word = (struct word){word->at + size, word->size - size};
    return size > 0;
}

static bool has_dot(struct word word) {
    for (size_t i = 0; i < word.size && word.at[i] != ':'; i++)
        if (word.at[i] == '.')
            return true;
    return false;
}

bool parse_ipv6(struct word word, uint8_t address[16]) {
    size_t size = 0, gap = SIZE_MAX;
    memset(address, 0, 16);
    if (word.size >= 2 && word.at[0] == ':' && word.at[1] == ':') {
        gap = 0;
        word = (struct word){word.at + 2, word.size - 2};
    }
    while (word.size > 0) {
        uint16_t group;
        if (has_dot(word)) {
            if (size > 12 || !parse_ipv4(word, address + size))
                return false;
            size += 4;
            break;
        }
        if (size == 16 || !cut_group(&word, &group))
            return false;
        store_be16(address + size, group);
        size += 2;
        if (word.size == 0)
            break;
        word = (struct word){word.at + 1, word.size - 1};
        if (word.size == 0)
            return false; // ends with one colon
        if (word.at[0] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = size;
            word = (struct word){word.at + 1, word.size - 1};
        }
    }
    if (gap == SIZE_MAX)
        return size == 16;
    memmove(address + 16 - (size - gap), address + gap, size - gap);
    memset(address + gap, 0, 16 - size);
    return size < 16;
}
