// Bytes with a length, and copies that are fast where they are short.
#ifndef KV_BYTES_H
#define KV_BYTES_H

#include "kit.h"

struct bytes {
    const uint8_t *at; // not terminated
    size_t size;
};

#define TEXT(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static inline uint64_t load_u64(const uint8_t *at) {
    uint64_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

static inline uint32_t load_u32(const uint8_t *at) {
    uint32_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

static inline uint16_t load_u16(const uint8_t *at) {
    uint16_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

static inline void store_u64(uint8_t *at, uint64_t word) {
    __builtin_memcpy(at, &word, sizeof word);
}

static inline void store_u32(uint8_t *at, uint32_t word) {
    __builtin_memcpy(at, &word, sizeof word);
}

static inline void store_u16(uint8_t *at, uint16_t word) {
    __builtin_memcpy(at, &word, sizeof word);
}

// Up to 32 bytes go as two or four words that may overlap. `to` and `from` do not overlap.
static inline void copy_bytes(uint8_t *to, const uint8_t *from, size_t size) {
    if (size > 32) {
        memcpy(to, from, size);
    } else if (size >= 16) {
        uint64_t a = load_u64(from), b = load_u64(from + 8);
        uint64_t c = load_u64(from + size - 16), d = load_u64(from + size - 8);
        store_u64(to, a);
        store_u64(to + 8, b);
        store_u64(to + size - 16, c);
        store_u64(to + size - 8, d);
    } else if (size >= 8) {
        uint64_t a = load_u64(from), b = load_u64(from + size - 8);
        store_u64(to, a);
        store_u64(to + size - 8, b);
    } else if (size >= 4) {
        uint32_t a = load_u32(from), b = load_u32(from + size - 4);
        store_u32(to, a);
        store_u32(to + size - 4, b);
    } else if (size > 0) {
        uint8_t a = from[0], b = from[size / 2], c = from[size - 1];
        to[0] = a;
        to[size / 2] = b;
        to[size - 1] = c;
    }
}

static inline bool same_bytes(const uint8_t *a, const uint8_t *b, size_t size) {
    if (size > 16)
        return memcmp(a, b, size) == 0;
    if (size >= 8)
        return load_u64(a) == load_u64(b) && load_u64(a + size - 8) == load_u64(b + size - 8);
    if (size >= 4)
        return load_u32(a) == load_u32(b) && load_u32(a + size - 4) == load_u32(b + size - 4);
    return size == 0 || (a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1]);
}

static inline bool bytes_equal(struct bytes a, struct bytes b) {
    return a.size == b.size && same_bytes(a.at, b.at, a.size);
}

// As memcmp, the shorter first where one begins the other.
static inline int bytes_compare(struct bytes a, struct bytes b) {
    int order = memcmp(a.at, b.at, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static inline uint8_t to_lower(uint8_t letter) {
    return letter >= 'A' && letter <= 'Z' ? letter | 0x20 : letter;
}

// Compares with a lower-case word, whatever the case of `bytes`.
static inline bool bytes_are(struct bytes bytes, const char *lower) {
    for (size_t i = 0; i < bytes.size; i++)
        if (lower[i] == '\0' || to_lower(bytes.at[i]) != (uint8_t)lower[i])
            return false;
    return lower[bytes.size] == '\0';
}

#endif
