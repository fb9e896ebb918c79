#include "servers/kv/chunk.h"

#include "servers/kv/heap.h"
#include "servers/kv/text.h"

size_t wire_bytes(size_t size) {
    return 1 + u64_digits(size) + 2 + size + 2;
}

void wire_write(uint8_t *to, struct bytes element) {
    *to++ = '$';
    to += print_u64(to, element.size);
    *to++ = '\r';
    *to++ = '\n';
    copy_bytes(to, element.at, element.size);
    to[element.size] = '\r';
    to[element.size + 1] = '\n';
}

struct chunk *chunk_new(size_t bytes, bool grows_down) {
    struct chunk *chunk = heap_take(bytes);
    if (chunk == NULL)
        return NULL;
    uint32_t room = (uint32_t)(bytes - sizeof *chunk) & ~1u;
    uint32_t start = grows_down ? room : 0;
    *chunk = (struct chunk){.room = room, .low = start, .high = start, .grows_down = grows_down};
    return chunk;
}

struct chunk *chunk_new_alone(size_t wire) {
    struct chunk *chunk = heap_take(sizeof *chunk + wire);
    if (chunk != NULL)
        *chunk = (struct chunk){.room = (uint32_t)wire, .alone = true};
    return chunk;
}

// Offsets are numbered in the order in which their elements were added, those of elements taken off the other end included.
static uint8_t *offset_at(struct chunk *chunk, uint32_t number) {
    if (chunk->grows_down)
        return chunk->body + CHUNK_OFFSET_BYTES * number;
    return chunk->body + chunk->room - CHUNK_OFFSET_BYTES * (number + 1);
}

static uint32_t offset_number(const struct chunk *chunk, uint32_t index) {
    return chunk->gone + (chunk->grows_down ? chunk->count - 1 - index : index);
}

bool chunk_fits(const struct chunk *chunk, size_t wire) {
    size_t offsets = CHUNK_OFFSET_BYTES * (size_t)(chunk->gone + chunk->count + 1);
    if (chunk->alone)
        return chunk->count == 0 && wire <= chunk->room;
    return chunk->grows_down ? wire + offsets <= chunk->low : chunk->high + wire + offsets <= chunk->room;
}

uint32_t chunk_offset(const struct chunk *chunk, uint32_t index) {
    if (index == chunk->count)
        return chunk->high;
    return index == 0 ? chunk->low : load_u16(offset_at((struct chunk *)(uintptr_t)chunk, offset_number(chunk, index)));
}

uint8_t *chunk_add(struct chunk *chunk, size_t wire) {
    uint32_t offset = chunk->grows_down ? chunk->low - (uint32_t)wire : chunk->high;
    if (chunk->grows_down)
        chunk->low = offset;
    else
        chunk->high += (uint32_t)wire;
    if (!chunk->alone)
        store_u16(offset_at(chunk, chunk->gone + chunk->count), (uint16_t)offset);
    chunk->count++;
    return chunk->body + offset;
}

void chunk_add_range(struct chunk *chunk, const struct chunk *other, uint32_t from, uint32_t to) {
    for (uint32_t i = 0; i < to - from; i++) {
        uint32_t index = chunk->grows_down ? to - 1 - i : from + i;
        uint32_t offset = chunk_offset(other, index);
        uint32_t wire = chunk_offset(other, index + 1) - offset;
        copy_bytes(chunk_add(chunk, wire), other->body + offset, wire);
    }
}

// Those added later move into the gap, and so do their offsets.
static void close_gap(struct chunk *chunk, uint32_t index) {
    uint32_t offset = chunk_offset(chunk, index), wire = chunk_offset(chunk, index + 1) - offset;
    uint32_t last = chunk->gone + chunk->count - 1;
    for (uint32_t number = offset_number(chunk, index); number < last; number++) {
        uint32_t next = load_u16(offset_at(chunk, number + 1));
        store_u16(offset_at(chunk, number), (uint16_t)(chunk->grows_down ? next + wire : next - wire));
    }
    if (chunk->grows_down) {
        memmove(chunk->body + chunk->low + wire, chunk->body + chunk->low, offset - chunk->low);
        chunk->low += wire;
    } else {
        memmove(chunk->body + offset, chunk->body + offset + wire, chunk->high - offset - wire);
        chunk->high -= wire;
    }
}

void chunk_remove(struct chunk *chunk, uint32_t index) {
    if (index == 0) {
        chunk->low = chunk_offset(chunk, 1);
        chunk->gone += !chunk->grows_down;
    } else if (index == chunk->count - 1) {
        chunk->high = chunk_offset(chunk, index);
        chunk->gone += chunk->grows_down;
    } else {
        close_gap(chunk, index);
    }
    chunk->count--;
}

size_t chunk_bytes_with(const struct chunk *chunk, size_t wire) {
    return sizeof *chunk + (chunk->high - chunk->low) + wire + CHUNK_OFFSET_BYTES * (size_t)(chunk->count + 1) + 1;
}
