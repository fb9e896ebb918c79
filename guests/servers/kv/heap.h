// All of the server's own memory: one region, cut into pages of 4 KiB. Small objects come from slabs of one size class, the
// others are runs of pages; free runs join their neighbours. Every operation takes constant time.
#ifndef KV_HEAP_H
#define KV_HEAP_H

#include "kit.h"

#define HEAP_UNIT 16u                // every object begins at a multiple of it
#define HEAP_BYTES_MAX (64ull << 30) // what a 32-bit reference reaches, in units

// Lays out the heap; of `bytes`, what is beyond HEAP_BYTES_MAX is left alone. False below 64 KiB.
bool heap_init(void *memory, size_t bytes);

// At least `bytes` bytes, not zeroed; NULL where they do not fit.
void *heap_take(size_t bytes);
void heap_give(void *object);

// How many bytes an object has room for, at least what was asked for.
size_t heap_room(const void *object);

// Moves an object to where it has room for `bytes`, no more than needed, keeping what fits. NULL leaves it as it was, and
// never comes where the object had the room already.
void *heap_resize(void *object, size_t bytes);

size_t heap_used(void);     // bytes in objects, with what rounding up adds
size_t heap_used_max(void); // the most there ever were
size_t heap_bytes(void);    // the size of the whole

// An object's place as a number below 2^32, never 0.
extern uint8_t *heap_base;

static inline uint32_t heap_reference(const void *object) {
    return (uint32_t)((size_t)((const uint8_t *)object - heap_base) / HEAP_UNIT);
}

static inline void *heap_object(uint32_t reference) {
    return heap_base + (size_t)reference * HEAP_UNIT;
}

#endif
