#include "servers/kv/list.h"

#include "servers/kv/chunk.h"
#include "servers/kv/heap.h"

struct list *list_new(void) {
    struct list *list = heap_take(sizeof *list);
    if (list != NULL)
        *list = (struct list){0};
    return list;
}

bool list_free_part(struct list *list, size_t chunks) {
    for (; list->first != NULL; chunks--) {
        if (chunks == 0)
            return false;
        struct chunk *chunk = list->first;
        list->first = chunk->next;
        heap_give(chunk);
    }
    heap_give(list);
    return true;
}

void list_free(struct list *list) {
    list_free_part(list, SIZE_MAX);
}

// Puts a chunk between two neighbours, either of which may be NULL.
static void link_between(struct list *list, struct chunk *before, struct chunk *chunk, struct chunk *next) {
    chunk->before = before;
    chunk->next = next;
    *(before == NULL ? &list->first : &before->next) = chunk;
    *(next == NULL ? &list->last : &next->before) = chunk;
}

static void unlink(struct list *list, struct chunk *chunk) {
    *(chunk->before == NULL ? &list->first : &chunk->before->next) = chunk->next;
    *(chunk->next == NULL ? &list->last : &chunk->next->before) = chunk->before;
}

// A chunk of twice the size needed for what this one holds and `wire` bytes more, in its place; NULL where it cannot be.
static struct chunk *widen(struct list *list, struct chunk *chunk, size_t wire) {
    size_t bytes = chunk_bytes_with(chunk, wire) * 2;
    if (chunk->alone || bytes > CHUNK_BYTES_MAX)
        return NULL;
    struct chunk *wide = chunk_new(bytes, chunk->grows_down);
    if (wide == NULL)
        return NULL;
    chunk_add_range(wide, chunk, 0, chunk->count);
    link_between(list, chunk->before, wide, chunk->next);
    heap_give(chunk);
    return wide;
}

// A chunk at the end that has room for the element.
static struct chunk *chunk_for(struct list *list, enum list_end end, size_t wire) {
    struct chunk *chunk = end == LIST_FIRST ? list->first : list->last;
    bool grows_here = chunk != NULL && chunk->grows_down == (end == LIST_FIRST);
    if (grows_here && wire <= CHUNK_WIRE_MAX) {
        if (chunk_fits(chunk, wire))
            return chunk;
        struct chunk *wide = widen(list, chunk, wire);
        if (wide != NULL)
            return wide;
    }
    size_t least = sizeof *chunk + wire + CHUNK_OFFSET_BYTES + 1;
    size_t bytes = grows_here ? CHUNK_BYTES_MAX : least > CHUNK_BYTES_MIN ? least : CHUNK_BYTES_MIN;
    struct chunk *added = wire > CHUNK_WIRE_MAX ? chunk_new_alone(wire) : chunk_new(bytes, end == LIST_FIRST);
    if (added == NULL)
        return NULL;
    if (end == LIST_FIRST)
        link_between(list, NULL, added, list->first);
    else
        link_between(list, list->last, added, NULL);
    return added;
}

bool list_push(struct list *list, enum list_end end, struct bytes element) {
    size_t wire = wire_bytes(element.size);
    struct chunk *chunk = chunk_for(list, end, wire);
    if (chunk == NULL)
        return false;
    wire_write(chunk_add(chunk, wire), element);
    list->elements++;
    return true;
}

struct bytes list_wire(struct list_place place) {
    uint32_t offset = chunk_offset(place.chunk, place.index);
    return (struct bytes){place.chunk->body + offset, chunk_offset(place.chunk, place.index + 1) - offset};
}

struct bytes list_peek(const struct list *list, enum list_end end) {
    if (end == LIST_FIRST)
        return list_wire((struct list_place){list->first, 0});
    return list_wire((struct list_place){list->last, list->last->count - 1});
}

void list_drop(struct list *list, enum list_end end) {
    struct chunk *chunk = end == LIST_FIRST ? list->first : list->last;
    chunk_remove(chunk, end == LIST_FIRST ? 0 : chunk->count - 1);
    list->elements--;
    if (chunk->count == 0) {
        unlink(list, chunk);
        heap_give(chunk);
    }
}

struct bytes list_element(struct bytes wire) {
    size_t start = 1;
    while (wire.at[start] != '\n')
        start++;
    return (struct bytes){wire.at + start + 1, wire.size - start - 3};
}

struct list_place list_at(const struct list *list, uint64_t index) {
    if (index < list->elements / 2) {
        struct chunk *chunk = list->first;
        for (; index >= chunk->count; chunk = chunk->next)
            index -= chunk->count;
        return (struct list_place){chunk, (uint32_t)index};
    }
    uint64_t from_end = list->elements - index;
    struct chunk *chunk = list->last;
    for (; from_end > chunk->count; chunk = chunk->before)
        from_end -= chunk->count;
    return (struct list_place){chunk, chunk->count - (uint32_t)from_end};
}

struct list_place list_next(struct list_place place) {
    if (place.index + 1 < place.chunk->count)
        return (struct list_place){place.chunk, place.index + 1};
    return (struct list_place){place.chunk->next, 0};
}

struct list_place list_before(struct list_place place) {
    if (place.index > 0)
        return (struct list_place){place.chunk, place.index - 1};
    struct chunk *chunk = place.chunk->before;
    return (struct list_place){chunk, chunk == NULL ? 0 : chunk->count - 1};
}

struct bytes list_run(struct list_place *place, uint64_t *count) {
    const struct chunk *chunk = place->chunk;
    uint32_t end = chunk->count - place->index <= *count ? chunk->count : place->index + (uint32_t)*count;
    uint32_t offset = chunk_offset(chunk, place->index);
    *count = end - place->index;
    *place = end == chunk->count ? (struct list_place){chunk->next, 0} : (struct list_place){place->chunk, end};
    return (struct bytes){chunk->body + offset, chunk_offset(chunk, end) - offset};
}

struct list_place list_remove(struct list *list, struct list_place place) {
    struct chunk *chunk = place.chunk;
    chunk_remove(chunk, place.index);
    list->elements--;
    if (chunk->count > 0)
        return place.index < chunk->count ? place : (struct list_place){chunk->next, 0};
    struct list_place next = {chunk->next, 0};
    unlink(list, chunk);
    heap_give(chunk);
    return next;
}
