#include "net/checksum.h"

typedef uint64_t word __attribute__((aligned(1), may_alias));

static inline uint64_t add(uint64_t sum, uint64_t value) {
    sum += value;
    return sum + (sum < value); // the carry comes in again at the low end
}

// Up to 7 bytes, padded with zeros in memory.
static inline uint64_t tail(const uint8_t *bytes, size_t size) {
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    return value;
}

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    uint64_t other = 0; // two chains of carries run side by side
    for (; size >= 32; size -= 32, at += 32) {
        const word *words = (const word *)at;
        sum = add(sum, words[0]);
        other = add(other, words[1]);
        sum = add(sum, words[2]);
        other = add(other, words[3]);
    }
    for (; size >= 8; size -= 8, at += 8)
        sum = add(sum, *(const word *)at);
    if (size > 0)
        sum = add(sum, tail(at, size));
    return add(sum, other);
}

uint64_t checksum_copy(uint64_t sum, void *restrict to, const void *restrict from, size_t size) {
    const uint8_t *at = from;
    uint8_t *out = to;
    uint64_t other = 0;
    for (; size >= 32; size -= 32, at += 32, out += 32) {
        const word *words = (const word *)at;
        word *copies = (word *)out;
        uint64_t a = words[0], b = words[1], c = words[2], d = words[3];
        copies[0] = a;
        copies[1] = b;
        copies[2] = c;
        copies[3] = d;
        sum = add(sum, a);
        other = add(other, b);
        sum = add(sum, c);
        other = add(other, d);
    }
    for (; size >= 8; size -= 8, at += 8, out += 8) {
        uint64_t a = *(const word *)at;
        *(word *)out = a;
        sum = add(sum, a);
    }
    if (size > 0) {
        sum = add(sum, tail(at, size));
        memcpy(out, at, size);
    }
    return add(sum, other);
}

uint64_t checksum_pseudo(uint32_t from, uint32_t to, uint8_t protocol, size_t payload_bytes) {
    uint8_t header[12];
    store_be32(header, from);
    store_be32(header + 4, to);
    header[8] = 0;
    header[9] = protocol;
    store_be16(header + 10, (uint16_t)payload_bytes);
    return checksum_add(0, header, sizeof header);
}

uint16_t checksum_finish(uint64_t sum) {
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)~sum;
}
