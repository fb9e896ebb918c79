// Whole numbers as text, and patterns.
#ifndef KV_TEXT_H
#define KV_TEXT_H

#include "servers/kv/bytes.h"

enum { I64_TEXT_MAX = 20 };

// Reads the whole text as the one way to write a number: no plus sign, no leading zero, no space.
bool parse_i64(struct bytes text, int64_t *number);
bool parse_u64(struct bytes text, uint64_t *number);

// Writes at most I64_TEXT_MAX bytes and returns how many.
size_t print_i64(uint8_t *to, int64_t number);
size_t print_u64(uint8_t *to, uint64_t number);

size_t u64_digits(uint64_t number); // of its decimal text

// Whether a name matches a pattern of * ? [a-z] [^a-z] and \ before what stands for itself.
bool glob_matches(struct bytes pattern, struct bytes name);

#endif
