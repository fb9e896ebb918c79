#include "servers/kv/deadlines.h"

#include "servers/kv/heap.h"

// Four children to a place. The places are in pieces, so that growing copies none of them.
enum { CHILDREN = 4, PIECE = 512 };

struct deadline {
    int64_t time_ms;
    uint32_t entry; // a reference
    uint32_t unused;
};

static struct deadline **pieces;
static uint32_t pieces_room, pieces_used, count; // places are counted from 1

static inline struct deadline *place_at(uint32_t place) {
    return &pieces[(place - 1) / PIECE][(place - 1) % PIECE];
}

static inline void put(uint32_t place, struct deadline deadline) {
    *place_at(place) = deadline;
    ((struct entry *)heap_object(deadline.entry))->deadline = place;
}

static void move_up(uint32_t place, struct deadline deadline) {
    while (place > 1) {
        uint32_t parent = (place - 2) / CHILDREN + 1;
        if (place_at(parent)->time_ms <= deadline.time_ms)
            break;
        put(place, *place_at(parent));
        place = parent;
    }
    put(place, deadline);
}

static void move_down(uint32_t place, struct deadline deadline) {
    for (;;) {
        uint64_t child = (uint64_t)(place - 1) * CHILDREN + 2;
        uint64_t end = child + CHILDREN <= count + 1ull ? child + CHILDREN : count + 1ull;
        if (child >= end)
            break;
        uint32_t least = (uint32_t)child;
        for (child++; child < end; child++)
            if (place_at((uint32_t)child)->time_ms < place_at(least)->time_ms)
                least = (uint32_t)child;
        if (place_at(least)->time_ms >= deadline.time_ms)
            break;
        put(place, *place_at(least));
        place = least;
    }
    put(place, deadline);
}

bool deadline_reserve(void) {
    if (count < pieces_used * PIECE)
        return true;
    if (pieces_used == pieces_room) {
        uint32_t room = pieces_room == 0 ? 16 : pieces_room * 2;
        struct deadline **moved =
            pieces == NULL ? heap_take(room * sizeof *moved) : heap_resize(pieces, room * sizeof *moved);
        if (moved == NULL)
            return false;
        pieces = moved;
        pieces_room = room;
    }
    struct deadline *piece = heap_take(PIECE * sizeof *piece);
    if (piece == NULL)
        return false;
    pieces[pieces_used++] = piece;
    return true;
}

void deadline_set(struct entry *entry, int64_t time_ms) {
    struct deadline deadline = {.time_ms = time_ms, .entry = heap_reference(entry)};
    if (entry->deadline == 0)
        move_up(++count, deadline);
    else if (time_ms < place_at(entry->deadline)->time_ms)
        move_up(entry->deadline, deadline);
    else
        move_down(entry->deadline, deadline);
}

void deadline_clear(struct entry *entry) {
    uint32_t place = entry->deadline;
    if (place == 0)
        return;
    entry->deadline = 0;
    int64_t time_ms = place_at(place)->time_ms;
    struct deadline last = *place_at(count--);
    if (place <= count) {
        if (last.time_ms < time_ms)
            move_up(place, last);
        else
            move_down(place, last);
    }
    // One empty piece stays, for the next.
    if (pieces_used * PIECE >= count + 2 * PIECE)
        heap_give(pieces[--pieces_used]);
}

int64_t deadline_of(const struct entry *entry) {
    return entry->deadline == 0 ? NO_DEADLINE : place_at(entry->deadline)->time_ms;
}

void deadline_moved(struct entry *entry) {
    if (entry->deadline != 0)
        place_at(entry->deadline)->entry = heap_reference(entry);
}

struct entry *deadline_first(void) {
    return count == 0 ? NULL : heap_object(place_at(1)->entry);
}

uint32_t deadline_count(void) {
    return count;
}

void deadlines_clear(void) {
    count = 0;
    while (pieces_used > 0)
        heap_give(pieces[--pieces_used]);
    if (pieces != NULL)
        heap_give(pieces);
    pieces = NULL;
    pieces_room = 0;
}
