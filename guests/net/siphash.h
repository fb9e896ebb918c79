// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash that an outsider can neither predict nor steer.
#ifndef SIPHASH_H
#define SIPHASH_H

#include "kit.h"

// Of `count` words, as of their little-endian bytes.
uint64_t siphash(const uint64_t key[2], const uint64_t *words, size_t count);

#endif
