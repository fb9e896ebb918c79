// A hash table by linear hashing: it grows and shrinks by one bucket at a time, so that no insertion waits for the table to
// be made anew. A bucket is one cache line of ten entries, told apart by 16 bits of their hashes; a full one is
// continued in another.
//
// An entry begins with struct dict_entry; its name follows at an offset that is the same for all of one table.
#ifndef KV_DICT_H
#define KV_DICT_H

#include "servers/kv/bytes.h"

struct dict_entry {
    uint32_t hash; // the hash's lower half, which chooses the bucket
    uint32_t name_size;
};

enum { BUCKET_ENTRIES = 10 };

struct bucket {
    uint16_t tag[BUCKET_ENTRIES];   // the hashes' upper 16 bits
    uint32_t next;                  // a reference to the bucket that continues this one; 0: none
    uint32_t entry[BUCKET_ENTRIES]; // references, those in use first; 0: none
};

struct dict {
    uint64_t entries;
    struct bucket *first; // the first buckets, up to DICT_SEGMENT of them
    struct bucket **more; // segments of DICT_SEGMENT buckets each
    uint32_t buckets;     // in use
    uint32_t mask;        // the least 2^n - 1 that is at least buckets - 1
    uint32_t first_room;  // buckets that `first` has room for
    uint32_t more_room;   // segments that `more` has room for
    uint32_t name_offset;
};

// Where an entry was found, for a change to it. Any other change to the table voids it, but for the hash.
struct dict_place {
    uint64_t hash;
    struct bucket *bucket;
    uint32_t slot;
};

void dict_init(struct dict *dict, uint32_t name_offset);

// The entry, or NULL; `place` receives the hash in both cases.
void *dict_find(const struct dict *dict, struct bytes name, struct dict_place *place);

// Adds an entry that the table has not, and sets its hash. False without memory.
bool dict_insert(struct dict *dict, uint64_t hash, void *entry);

void dict_remove(struct dict *dict, const struct dict_place *place);

// Puts an entry with the same name in the place of the one found there.
void dict_replace(const struct dict_place *place, void *entry);

// Calls `visit` for some entries, and returns where to go on, 0 at the end. Begun with 0 and carried through, it comes by
// every entry that is in the table all the while, by some of them twice where the table shrinks. `visit` must not change
// the table.
typedef void dict_visit(void *entry, void *context);
uint64_t dict_scan(const struct dict *dict, uint64_t cursor, dict_visit *visit, void *context);

// Calls `visit` for every entry.
void dict_each(const struct dict *dict, dict_visit *visit, void *context);

// Calls `visit` for the entries of up to `buckets` buckets, which frees them, and gives back those buckets. True when the
// table is empty and all of its memory given back.
bool dict_free_part(struct dict *dict, uint32_t buckets, dict_visit *visit, void *context);

// An entry by chance, NULL from an empty table.
void *dict_random(const struct dict *dict);

static inline struct bytes dict_name(const struct dict *dict, const void *entry) {
    return (struct bytes){(const uint8_t *)entry + dict->name_offset, ((const struct dict_entry *)entry)->name_size};
}

#endif
