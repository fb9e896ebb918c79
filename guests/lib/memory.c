#include "kit.h"

typedef uint64_t unaligned_word __attribute__((aligned(1), may_alias));

static void copy_forward(uint8_t *to, const uint8_t *from, size_t size) {
    for (; size >= 32; size -= 32, to += 32, from += 32) {
        const unaligned_word *in = (const unaligned_word *)from;
        unaligned_word *out = (unaligned_word *)to;
        uint64_t a = in[0], b = in[1], c = in[2], d = in[3];
        out[0] = a;
        out[1] = b;
        out[2] = c;
        out[3] = d;
    }
    for (; size >= 8; size -= 8, to += 8, from += 8)
        *(unaligned_word *)to = *(const unaligned_word *)from;
    for (; size > 0; size--)
        *to++ = *from++;
}

static void copy_backward(uint8_t *to, const uint8_t *from, size_t size) {
    for (; size >= 8; size -= 8)
        *(unaligned_word *)(to + size - 8) = *(const unaligned_word *)(from + size - 8);
    for (; size > 0; size--)
        to[size - 1] = from[size - 1];
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    copy_forward(to, from, size);
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    // Forward, a word is written only after the words before it were read: safe wherever `to` is not inside `from`.
    if ((uintptr_t)to - (uintptr_t)from >= size)
        copy_forward(to, from, size);
    else
        copy_backward(to, from, size);
    return to;
}

void *memset(void *to, int byte, size_t size) {
    uint8_t *out = to;
    uint64_t word = (uint8_t)byte * 0x0101010101010101u;
    for (; size >= 32; size -= 32, out += 32)
        for (int i = 0; i < 4; i++)
            ((unaligned_word *)out)[i] = word;
    for (; size >= 8; size -= 8, out += 8)
        *(unaligned_word *)out = word;
    for (; size > 0; size--)
        *out++ = (uint8_t)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const uint8_t *left = a, *right = b;
    for (; size >= 8; size -= 8, left += 8, right += 8)
        if (*(const unaligned_word *)left != *(const unaligned_word *)right)
            break;
    for (; size > 0; size--, left++, right++)
        if (*left != *right)
            return *left - *right;
    return 0;
}
