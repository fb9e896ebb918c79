// The Internet checksum (RFC 1071): sums are kept in the machine's byte order, which needs no swap (section 2 (B)).
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include "kit.h"

// Adds bytes to a sum. Only the last piece of a message may have an odd length.
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t size);

// The same while copying.
uint64_t checksum_copy(uint64_t sum, void *restrict to, const void *restrict from, size_t size);

// The sum of TCP's and UDP's pseudo header; addresses as numbers.
uint64_t checksum_pseudo(uint32_t from, uint32_t to, uint8_t protocol, size_t payload_bytes);

// The checksum, to be stored as it is. Over a message with its right checksum within, it is 0.
uint16_t checksum_finish(uint64_t sum);

static inline void checksum_store(void *at, uint16_t checksum) {
    memcpy(at, &checksum, sizeof checksum);
}

#endif
