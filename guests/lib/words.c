#include "kit.h"

bool next_word(const char **line, struct word *word) {
    const char *at = *line;
    while (*at == ' ')
        at++;
    word->at = at;
    while (*at != '\0' && *at != ' ')
        at++;
    word->size = (size_t)(at - word->at);
    *line = at;
    return word->size > 0;
}

bool word_is(struct word word, const char *text) {
    return strlen(text) == word.size && memcmp(word.at, text, word.size) == 0;
}

bool find_option(const char *line, const char *name, struct word *value) {
    size_t size = strlen(name);
    struct word word;
    while (next_word(&line, &word)) {
        size_t prefix = 2 + size + 1;
        if (word.size < prefix || memcmp(word.at, "--", 2) != 0)
            continue;
        if (memcmp(word.at + 2, name, size) != 0 || word.at[prefix - 1] != '=')
            continue;
        *value = (struct word){word.at + prefix, word.size - prefix};
        return true;
    }
    return false;
}

bool find_argument(const char *line, size_t position, struct word *word) {
    while (next_word(&line, word)) {
        if (word->size >= 2 && memcmp(word->at, "--", 2) == 0)
            continue;
        if (position-- == 0)
            return true;
    }
    return false;
}

static int digit_of(char letter) {
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F')
        return letter - 'A' + 10;
    return 16;
}

bool word_to_u64(struct word word, uint64_t *number) {
    unsigned base = 10;
    if (word.size > 2 && word.at[0] == '0' && word.at[1] == 'x') {
        base = 16;
        word = (struct word){word.at + 2, word.size - 2};
    }
    uint64_t value = 0;
    for (size_t i = 0; i < word.size; i++) {
        unsigned digit = (unsigned)digit_of(word.at[i]);
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (word.size == 0)
        return false;
    *number = value;
    return true;
}

uint64_t number_argument(const char *line, size_t position, uint64_t otherwise) {
    struct word word;
    uint64_t number;
    if (!find_argument(line, position, &word))
        return otherwise;
    if (!word_to_u64(word, &number))
        fail("'%.*s' is not a number", (int)word.size, word.at);
    return number;
}

// Reads digits up to the word's end or a letter `stop`, which it cuts off too.
static bool cut_number(struct word *word, char stop, unsigned most, unsigned *number) {
    struct word digits = *word;
    for (digits.size = 0; digits.size < word->size && word->at[digits.size] != stop;)
        digits.size++;
    uint64_t value;
    if (!word_to_u64(digits, &value) || value > most)
        return false;
    size_t cut = digits.size < word->size ? digits.size + 1 : digits.size;
    *word = (struct word){word->at + cut, word->size - cut};
    *number = (unsigned)value;
    return true;
}

bool word_to_ipv4(struct word word, uint8_t address[4], unsigned *bits) {
    for (int i = 0; i < 4; i++) {
        unsigned byte;
        if (!cut_number(&word, i < 3 ? '.' : '/', 255, &byte))
            return false;
        address[i] = (uint8_t)byte;
    }
    *bits = 32;
    return word.size == 0 || (cut_number(&word, '\0', 32, bits) && word.size == 0);
}
