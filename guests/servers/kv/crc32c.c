#include "servers/kv/crc32c.h"

// table[n][b]: what the byte b does to the checksum when n bytes follow it.
static uint32_t table[8][256];

void crc32c_init(void) {
    enum { REVERSED = 0x82f63b78 };
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t state = byte;
        for (int bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (state & 1 ? REVERSED : 0);
        table[0][byte] = state;
    }
    for (int n = 1; n < 8; n++)
        for (uint32_t byte = 0; byte < 256; byte++)
            table[n][byte] = table[n - 1][byte] >> 8 ^ table[0][table[n - 1][byte] & 0xff];
}

uint32_t crc32c(uint32_t before, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    uint32_t state = ~before;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word = load_u64(at) ^ state;
        state = 0;
        for (int n = 0; n < 8; n++)
            state ^= table[7 - n][word >> (8 * n) & 0xff];
    }
    for (; size > 0; size--)
        state = state >> 8 ^ table[0][(state ^ *at++) & 0xff];
    return ~state;
}
