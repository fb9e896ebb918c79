// Holds kv's heap, hash table and deadlines to plain models of them, with random operations:
//   - objects of the heap keep what was written into them, and all of it comes back;
//   - names are found and not found as they should, and a walk through a table that grows and shrinks misses none;
//   - the first deadline is the least.
//
//   kv_tables SEED COUNT
#include "kv_check.h"
#include "servers/kv/deadlines.h"

// ---- the heap ----------------------------------------------------------------------------------------------------

static size_t random_size(void) {
    switch (below(8)) {
    case 0:
        return below(100000);
    case 1:
        return below(2000000);
    case 2:
        return below(9000);
    default:
        return below(300);
    }
}

static void check_heap(unsigned long count) {
    enum { OBJECTS = 500 };
    static struct {
        uint8_t *at;
        size_t size;
        uint8_t fill;
    } objects[OBJECTS];
    size_t used_before = heap_used();
    unsigned long refused = 0;
    for (unsigned long i = 0; i < count; i++) {
        size_t at = below(OBJECTS), size = random_size();
        uint8_t *object = objects[at].at;
        for (size_t b = 0; object != NULL && b < objects[at].size; b += 1 + b / 8)
            CHECK(object[b] == objects[at].fill);
        uint8_t *taken;
        if (object == NULL) {
            taken = heap_take(size);
        } else if (below(3) == 0) {
            taken = heap_resize(object, size);
            CHECK(taken != NULL || size > heap_room(object));
            size_t kept = size < objects[at].size ? size : objects[at].size;
            for (size_t b = 0; taken != NULL && b < kept; b += 1 + b / 8)
                CHECK(taken[b] == objects[at].fill);
        } else {
            heap_give(object);
            objects[at].at = NULL;
            continue;
        }
        refused += taken == NULL;
        if (taken == NULL)
            continue;
        CHECK(heap_room(taken) >= size && (uintptr_t)taken % HEAP_UNIT == 0);
        CHECK(heap_object(heap_reference(taken)) == taken && heap_reference(taken) != 0);
        objects[at].at = taken;
        objects[at].size = size;
        objects[at].fill = (uint8_t)random_next(&state);
        memset(taken, objects[at].fill, size);
    }
    for (size_t at = 0; at < OBJECTS; at++) {
        if (objects[at].at != NULL)
            heap_give(objects[at].at);
        objects[at].at = NULL;
    }
    CHECK(heap_used() == used_before);
    CHECK(count < 10000 || refused > 0);
    uint8_t *most = heap_take(heap_bytes() - heap_bytes() / 8);
    CHECK(most != NULL); // what was given back is in one piece again, but for a slab of each class
    heap_give(most);
}

// ---- the hash table ----------------------------------------------------------------------------------------------

static uint8_t seen[NAMES];

static void mark_seen(void *member, void *context) {
    (void)context;
    struct bytes name = member_name(member);
    size_t number = 0;
    for (size_t i = 0; i < name.size && name.at[i] != 'x'; i++)
        number = number * 10 + (name.at[i] - '0');
    CHECK(number < NAMES && seen[number] < 255);
    seen[number]++;
}

static void put(struct dict *dict, size_t number, bool wanted) {
    uint8_t text[64];
    struct dict_place place;
    struct bytes name = name_of(number, text);
    struct member *member = dict_find(dict, name, &place);
    if (member != NULL && !wanted) {
        dict_remove(dict, &place);
        heap_give(member);
    } else if (member == NULL && wanted) {
        member = heap_take(sizeof *member + name.size);
        CHECK(member != NULL);
        member->common.name_size = (uint32_t)name.size;
        memcpy(member->name, name.at, name.size);
        CHECK(dict_insert(dict, place.hash, member));
    }
}

static void check_dict(unsigned long count) {
    static bool there[NAMES];
    struct dict dict;
    dict_init(&dict, offsetof(struct member, name));
    size_t used_before = heap_used(), entries = 0;
    bool growing = true;
    memset(there, 0, sizeof there);
    for (unsigned long i = 0; i < count; i++) {
        size_t number = below(NAMES);
        bool wanted = below(10) < (growing ? 9u : 1u);
        entries += wanted - there[number];
        there[number] = wanted;
        put(&dict, number, wanted);
        CHECK(dict.entries == entries);
        if (entries > NAMES * 3 / 4 || entries < 10)
            growing = entries < 10;
        uint8_t text[64];
        struct dict_place place;
        size_t other = below(NAMES);
        CHECK((dict_find(&dict, name_of(other, text), &place) != NULL) == there[other]);
        CHECK((dict_random(&dict) == NULL) == (entries == 0));
    }
    // A walk meets all that stay, while others come and go.
    static bool stays[NAMES];
    memcpy(stays, there, sizeof stays);
    memset(seen, 0, sizeof seen);
    uint64_t cursor = 0;
    bool shrink = below(2) == 0;
    do {
        cursor = dict_scan(&dict, cursor, mark_seen, NULL);
        for (int i = 0; i < 12; i++) {
            size_t number = below(NAMES);
            there[number] = !shrink;
            stays[number] &= !shrink;
            put(&dict, number, !shrink);
        }
    } while (cursor != 0);
    for (size_t number = 0; number < NAMES; number++)
        CHECK(!stays[number] || seen[number] > 0);
    memset(seen, 0, sizeof seen);
    dict_each(&dict, mark_seen, NULL);
    for (size_t number = 0; number < NAMES; number++)
        CHECK(seen[number] == there[number]);
    for (size_t number = 0; number < NAMES; number++)
        put(&dict, number, false);
    while (!dict_free_part(&dict, 3, mark_seen, NULL))
        continue;
    CHECK(heap_used() == used_before);
}

// ---- deadlines ---------------------------------------------------------------------------------------------------

static void check_deadlines(unsigned long count) {
    enum { KEYS = 4000 };
    static struct entry *entries[KEYS];
    static int64_t times[KEYS];
    uint8_t text[64];
    size_t used_before = heap_used();
    for (size_t i = 0; i < KEYS; i++) {
        entries[i] = entry_new(name_of(i, text), TYPE_STRING, 0);
        times[i] = NO_DEADLINE;
    }
    for (unsigned long i = 0; i < count; i++) {
        size_t at = below(KEYS);
        if (below(3) == 0) {
            deadline_clear(entries[at]);
            times[at] = NO_DEADLINE;
        } else {
            times[at] = (int64_t)below(100000) - 50000;
            CHECK(deadline_reserve());
            deadline_set(entries[at], times[at]);
        }
        CHECK(deadline_of(entries[at]) == times[at]);
        if (below(500) != 0)
            continue;
        int64_t least = NO_DEADLINE;
        uint32_t set = 0;
        for (size_t k = 0; k < KEYS; k++) {
            least = times[k] < least ? times[k] : least;
            set += times[k] != NO_DEADLINE;
            CHECK(deadline_of(entries[k]) == times[k]);
        }
        CHECK(deadline_count() == set && (set == 0 || deadline_of(deadline_first()) == least));
    }
    for (size_t i = 0; i < KEYS; i++) {
        deadline_clear(entries[i]);
        heap_give(entries[i]);
    }
    CHECK(deadline_first() == NULL);
    deadlines_clear();
    CHECK(heap_used() < used_before + 1024); // the table of pieces stays
}

static void check_all(unsigned long count) {
    check_heap(count);
    check_dict(count);
    check_deadlines(count);
}

int main(int argc, char **argv) {
    return check_with_heap(argc, argv, check_all);
}
