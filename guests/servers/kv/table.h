// The buckets of a hash table: how they are found, filled, split and joined.
#ifndef KV_TABLE_H
#define KV_TABLE_H

#include "servers/kv/dict.h"

enum { TABLE_SEGMENT = 1024, TABLE_FILL_MAX = 7, TABLE_FILL_MIN = 2 };

static inline struct bucket *table_bucket(const struct dict *dict, uint32_t index) {
    if (index < TABLE_SEGMENT)
        return &dict->first[index];
    return &dict->more[index / TABLE_SEGMENT - 1][index % TABLE_SEGMENT];
}

// Buckets from `buckets` on are not there yet: their entries are in the one that will split into it.
static inline uint32_t table_index(const struct dict *dict, uint32_t hash) {
    uint32_t index = hash & dict->mask;
    return index < dict->buckets ? index : hash & dict->mask >> 1;
}

// Adds a bucket, and splits the entries of another with it. False without memory.
bool table_grow(struct dict *dict);

// Joins the last bucket with the one it was split from, where memory allows.
void table_shrink(struct dict *dict);

// Gives back the last bucket, whose entries are gone, and with the first one the table's memory.
void table_drop_last(struct dict *dict);

// Adds an entry to the end of a chain. Buckets to continue with come from `spare`, where it is not NULL, else from the heap;
// false without memory.
bool bucket_append(struct bucket *bucket, uint16_t tag, uint32_t reference, struct bucket **spare);

// Takes an entry out of a bucket of the chain that begins with `head`, and fills its slot with the chain's last.
void bucket_remove(struct bucket *head, struct bucket *bucket, uint32_t slot);

uint32_t bucket_chain_entries(const struct bucket *bucket);

#endif
