// Changes in the middle of a list: the chunk is made anew, in one piece or, where that would be too large, in three.
#include "servers/kv/chunk.h"
#include "servers/kv/heap.h"

static struct chunk *chunk_with(struct bytes element) {
    size_t wire = wire_bytes(element.size);
    struct chunk *chunk =
        wire > CHUNK_WIRE_MAX ? chunk_new_alone(wire) : chunk_new(sizeof *chunk + wire + CHUNK_BYTES_MIN, false);
    if (chunk != NULL)
        wire_write(chunk_add(chunk, wire), element);
    return chunk;
}

static struct chunk *chunk_part(const struct chunk *chunk, uint32_t from, uint32_t to) {
    struct chunk *part = chunk->alone ? chunk_new_alone(chunk->room) : chunk_new(chunk_bytes_with(chunk, 0), false);
    if (part != NULL)
        chunk_add_range(part, chunk, from, to);
    return part;
}

// The chunk's elements with `element` at `index`, in place of `replaced` of them; returns how many chunks, 0 without memory.
static int make(const struct chunk *chunk, uint32_t index, uint32_t replaced, struct bytes element,
                struct chunk *made[3]) {
    size_t wire = wire_bytes(element.size), bytes = chunk_bytes_with(chunk, wire);
    int count = 0;
    if (!chunk->alone && wire <= CHUNK_WIRE_MAX && bytes <= CHUNK_BYTES_MAX) {
        size_t ahead = bytes + bytes / 4;
        made[0] = chunk_new(ahead < CHUNK_BYTES_MAX ? ahead : CHUNK_BYTES_MAX, false);
        if (made[0] == NULL)
            return 0;
        chunk_add_range(made[0], chunk, 0, index);
        wire_write(chunk_add(made[0], wire), element);
        chunk_add_range(made[0], chunk, index + replaced, chunk->count);
        return 1;
    }
    if (index > 0)
        made[count++] = chunk_part(chunk, 0, index);
    made[count++] = chunk_with(element);
    if (index + replaced < chunk->count)
        made[count++] = chunk_part(chunk, index + replaced, chunk->count);
    bool whole = true;
    for (int i = 0; i < count; i++)
        whole &= made[i] != NULL;
    for (int i = 0; i < count && !whole; i++)
        if (made[i] != NULL)
            heap_give(made[i]);
    return whole ? count : 0;
}

static bool edit(struct list *list, struct list_place place, uint32_t replaced, struct bytes element) {
    struct chunk *made[3], *chunk = place.chunk;
    int count = make(chunk, place.index, replaced, element, made);
    if (count == 0)
        return false;
    struct chunk *before = chunk->before;
    for (int i = 0; i < count; i++) {
        made[i]->before = before;
        *(before == NULL ? &list->first : &before->next) = made[i];
        before = made[i];
    }
    before->next = chunk->next;
    *(chunk->next == NULL ? &list->last : &chunk->next->before) = before;
    list->elements += 1 - replaced;
    heap_give(chunk);
    return true;
}

bool list_replace(struct list *list, struct list_place place, struct bytes element) {
    return edit(list, place, 1, element);
}

bool list_insert_before(struct list *list, struct list_place place, struct bytes element) {
    return edit(list, place, 0, element);
}
