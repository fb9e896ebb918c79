// A list of strings, in chunks. Elements lie in memory as they go over the wire, "$3\r\nabc\r\n", one behind the other, so that
// sending a range of them is copying a few pieces.
#ifndef KV_LIST_H
#define KV_LIST_H

#include "servers/kv/bytes.h"

// A chunk grows at one end, its elements' offsets at the other, and shrinks at both. One that holds a single large element
// has just the room for it.
struct chunk {
    struct chunk *next, *before;
    uint32_t room;      // bytes of the body
    uint32_t low, high; // where the elements begin and end
    uint32_t count;     // elements
    uint32_t gone;      // offsets of elements taken off the end that does not grow
    bool grows_down;
    bool alone; // for one large element
    uint8_t body[];
};

struct list {
    struct chunk *first, *last;
    uint64_t elements;
};

enum list_end { LIST_FIRST, LIST_LAST };

struct list *list_new(void); // NULL without memory
void list_free(struct list *list);

// Gives back up to `chunks` of its chunks; true when the list itself is gone too.
bool list_free_part(struct list *list, size_t chunks);

bool list_push(struct list *list, enum list_end end, struct bytes element); // false without memory

// The element at an end as it goes over the wire; the list is not empty.
struct bytes list_peek(const struct list *list, enum list_end end);
void list_drop(struct list *list, enum list_end end);

// A place in a list.
struct list_place {
    struct chunk *chunk; // NULL: behind the end
    uint32_t index;
};

// The place of an element counted from 0, below list->elements.
struct list_place list_at(const struct list *list, uint64_t index);
struct list_place list_next(struct list_place place);
struct list_place list_before(struct list_place place);

struct bytes list_wire(struct list_place place);

// What stands in `wire` between its length and its end.
struct bytes list_element(struct bytes wire);

// The elements from a place on that lie in one piece, at most `*count` of them; *count receives how many, *place where to go on.
struct bytes list_run(struct list_place *place, uint64_t *count);

// Changes at a place; false without memory, and then nothing has changed. The place, and others of the same chunk, are void
// after it.
bool list_replace(struct list *list, struct list_place place, struct bytes element);
bool list_insert_before(struct list *list, struct list_place place, struct bytes element);

// Takes an element out, and returns the place of the one that followed it.
struct list_place list_remove(struct list *list, struct list_place place);

#endif
