// Buffers of 2 KiB, 4 KiB ... 2 MiB from one piece of memory: a binary buddy allocator (Knuth, TAOCP 1, 2.5).
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POOL_UNIT_SHIFT = 11,
    POOL_ORDERS = 11, // the largest buffer is POOL_UNIT_BYTES << (POOL_ORDERS - 1)
    POOL_UNIT_BYTES = 1 << POOL_UNIT_SHIFT,
};
#define POOL_BUFFER_BYTES_MAX ((uint32_t)POOL_UNIT_BYTES << (POOL_ORDERS - 1))

struct pool_block {
    struct pool_block *next, **link;
};

struct pool {
    uint8_t *base;
    uint8_t *free_order; // for each unit: 1 + order where a free buffer begins, else 0
    uint32_t units;
    uint32_t units_free;
    uint32_t returns; // counts pool_give() calls: whoever waits for memory looks whether it changed
    struct pool_block *free[POOL_ORDERS];
};

// False when `bytes` is too little for one buffer.
bool pool_init(struct pool *pool, void *memory, size_t bytes);

// Rounds up to the size of a buffer; `bytes` is at most POOL_BUFFER_BYTES_MAX.
uint32_t pool_round_up(uint32_t bytes);

// `bytes` as pool_round_up() gives it. NULL: none of that size is left.
void *pool_take(struct pool *pool, uint32_t bytes);

// `bytes` as it was taken.
void pool_give(struct pool *pool, void *buffer, uint32_t bytes);

#endif
