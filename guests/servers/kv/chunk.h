// One chunk of a list.
#ifndef KV_CHUNK_H
#define KV_CHUNK_H

#include "servers/kv/list.h"

enum {
    CHUNK_BYTES_MIN = 128, // the head included
    CHUNK_BYTES_MAX = 4096,
    CHUNK_WIRE_MAX = 1024, // a longer element has a chunk for itself, without offsets
    CHUNK_OFFSET_BYTES = 2,
};

// How many bytes an element of `size` bytes takes; and writing it.
size_t wire_bytes(size_t size);
void wire_write(uint8_t *to, struct bytes element);

// An empty chunk for any number of elements; NULL without memory.
struct chunk *chunk_new(size_t bytes, bool grows_down);

// An empty chunk for one element of `wire` bytes; NULL without memory.
struct chunk *chunk_new_alone(size_t wire);

bool chunk_fits(const struct chunk *chunk, size_t wire);

// Where an element begins in the body; that of `count` is where the last one ends.
uint32_t chunk_offset(const struct chunk *chunk, uint32_t index);

// Adds an element of `wire` bytes, which fit, at the end that grows, and returns where to write it.
uint8_t *chunk_add(struct chunk *chunk, size_t wire);

// Adds the elements from `from` to before `to` of another chunk that grows the same way, or of one to a chunk that grows up.
void chunk_add_range(struct chunk *chunk, const struct chunk *other, uint32_t from, uint32_t to);

void chunk_remove(struct chunk *chunk, uint32_t index);

// The bytes that a chunk needs for what this one holds and one element of `wire` bytes more.
size_t chunk_bytes_with(const struct chunk *chunk, size_t wire);

#endif
