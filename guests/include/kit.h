// What a freestanding program misses of a C library. Nothing here allocates, and nothing keeps state.
#ifndef KIT_H
#define KIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "solo5.h"

// Memory and strings, as in C's <string.h> --------------------------------------------------------------------------

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);

// Text --------------------------------------------------------------------------------------------------------------

// Formats as C's printf does: %d %i %u %x %X %c %s %p %%, the lengths hh h l ll z, the flags 0 and -, a width and a
// precision (of %s) as a number or *. No floating point.

// Prints to the console, with one write for up to 512 bytes of text.
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Writes at most `size` bytes, a NUL included, and returns the length that the whole text has.
size_t format_text(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
size_t format_text_args(char *to, size_t size, const char *format, va_list args);

// Prints a line and ends the program with SOLO5_EXIT_FAILURE.
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

// Words of the command line -----------------------------------------------------------------------------------------

struct word {
    const char *at; // not terminated
    size_t size;
};

// Cuts the next word, separated by spaces, off `line`; false at its end.
bool next_word(const char **line, struct word *word);

// Finds the first word `--name=value`, and gives its value.
bool find_option(const char *line, const char *name, struct word *value);

// The word at `position`, counted from 0, leaving out those that begin with "--".
bool find_argument(const char *line, size_t position, struct word *word);

bool word_is(struct word word, const char *text);

// Reads a whole word as a number below 2^64, decimal or with 0x; false leaves `number` as it was.
bool word_to_u64(struct word word, uint64_t *number);

// The number at `position` of the command line, or `otherwise` where there are fewer words; fails on anything else.
uint64_t number_argument(const char *line, size_t position, uint64_t otherwise);

// Reads "10.0.0.2" into 4 bytes; for an address with a network, "10.0.0.2/24", `bits` receives 24 (else 32).
bool word_to_ipv4(struct word word, uint8_t address[4], unsigned *bits);

// Memory from the heap, never given back ----------------------------------------------------------------------------

struct arena {
    uintptr_t next;
    uintptr_t end;
};

// All of the heap but the last `stack_bytes`, which the stack grows down into.
struct arena arena_of(const struct solo5_start_info *info, size_t stack_bytes);

// Memory whose address is a multiple of `align` (a power of two), not zeroed; NULL where it does not fit.
void *arena_take(struct arena *arena, size_t size, size_t align);

// Numbers in network byte order, at any address ---------------------------------------------------------------------

static inline uint16_t load_be16(const void *at) {
    const uint8_t *byte = at;
    return (uint16_t)(byte[0] << 8 | byte[1]);
}

static inline uint32_t load_be32(const void *at) {
    const uint8_t *byte = at;
    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static inline void store_be16(void *at, uint16_t value) {
    uint8_t *byte = at;
    byte[0] = (uint8_t)(value >> 8);
    byte[1] = (uint8_t)value;
}

static inline void store_be32(void *at, uint32_t value) {
    uint8_t *byte = at;
    byte[0] = (uint8_t)(value >> 24);
    byte[1] = (uint8_t)(value >> 16);
    byte[2] = (uint8_t)(value >> 8);
    byte[3] = (uint8_t)value;
}

#define NS_PER_S 1000000000ull
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
