#include "servers/kv/dict.h"

#include "servers/kv/hash.h"
#include "servers/kv/heap.h"
#include "servers/kv/table.h"

void dict_init(struct dict *dict, uint32_t name_offset) {
    *dict = (struct dict){.name_offset = name_offset};
}

// A 1 in the uppermost bit of each 16 that may be equal to the tag: all that are, and few others.
static inline uint64_t tags_like(uint64_t tags, uint64_t wanted) {
    uint64_t differs = tags ^ wanted;
    return (differs - 0x0001000100010001u) & ~differs & 0x8000800080008000u;
}

static inline bool entry_is(const struct dict *dict, uint32_t reference, struct bytes name) {
    if (reference == 0)
        return false;
    const struct dict_entry *entry = heap_object(reference);
    return entry->name_size == name.size && same_bytes((const uint8_t *)entry + dict->name_offset, name.at, name.size);
}

static inline int slot_of(const struct dict *dict, const struct bucket *bucket, uint16_t tag, struct bytes name) {
    uint64_t wanted = tag * 0x0001000100010001u;
    const uint8_t *tags = (const uint8_t *)bucket->tag;
    for (int from = 0; from < 8; from += 4)
        for (uint64_t like = tags_like(load_u64(tags + from * 2), wanted); like != 0; like &= like - 1) {
            int slot = from + __builtin_ctzll(like) / 16;
            if (entry_is(dict, bucket->entry[slot], name))
                return slot;
        }
    for (int slot = 8; slot < BUCKET_ENTRIES; slot++)
        if (bucket->tag[slot] == tag && entry_is(dict, bucket->entry[slot], name))
            return slot;
    return -1;
}

void *dict_find(const struct dict *dict, struct bytes name, struct dict_place *place) {
    uint64_t hash = hash_bytes(name.at, name.size);
    place->hash = hash;
    if (dict->buckets == 0)
        return NULL;
    struct bucket *bucket = table_bucket(dict, table_index(dict, (uint32_t)hash));
    for (;;) {
        int slot = slot_of(dict, bucket, (uint16_t)(hash >> 48), name);
        if (slot >= 0) {
            place->bucket = bucket;
            place->slot = (uint32_t)slot;
            return heap_object(bucket->entry[slot]);
        }
        if (bucket->next == 0)
            return NULL;
        bucket = heap_object(bucket->next);
    }
}

bool dict_insert(struct dict *dict, uint64_t hash, void *object) {
    if (dict->buckets == 0 && !table_grow(dict))
        return false;
    struct dict_entry *entry = object;
    entry->hash = (uint32_t)hash;
    struct bucket *bucket = table_bucket(dict, table_index(dict, entry->hash));
    if (!bucket_append(bucket, (uint16_t)(hash >> 48), heap_reference(entry), NULL))
        return false;
    dict->entries++;
    if (dict->entries > (uint64_t)dict->buckets * TABLE_FILL_MAX)
        table_grow(dict);
    return true;
}

void dict_remove(struct dict *dict, const struct dict_place *place) {
    bucket_remove(table_bucket(dict, table_index(dict, (uint32_t)place->hash)), place->bucket, place->slot);
    dict->entries--;
    if (dict->entries < (uint64_t)dict->buckets * TABLE_FILL_MIN && dict->buckets > 1)
        table_shrink(dict);
}

void dict_replace(const struct dict_place *place, void *entry) {
    const struct dict_entry *old = heap_object(place->bucket->entry[place->slot]);
    ((struct dict_entry *)entry)->hash = old->hash;
    place->bucket->entry[place->slot] = heap_reference(entry);
}

static void visit_chain(const struct bucket *bucket, dict_visit *visit, void *context) {
    for (;;) {
        uint32_t next = bucket->next;
        for (int slot = 0; slot < BUCKET_ENTRIES && bucket->entry[slot] != 0; slot++)
            visit(heap_object(bucket->entry[slot]), context);
        if (next == 0)
            return;
        bucket = heap_object(next);
    }
}

static uint64_t reverse_bits(uint64_t word) {
    word = (word >> 1 & 0x5555555555555555u) | (word & 0x5555555555555555u) << 1;
    word = (word >> 2 & 0x3333333333333333u) | (word & 0x3333333333333333u) << 2;
    word = (word >> 4 & 0x0f0f0f0f0f0f0f0fu) | (word & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(word);
}

// The cursor counts with its bits reversed, so that the buckets which one bucket splits into follow each other, and those
// passed stay passed whatever the number of buckets becomes.
uint64_t dict_scan(const struct dict *dict, uint64_t cursor, dict_visit *visit, void *context) {
    if (dict->buckets == 0)
        return 0;
    uint32_t index = table_index(dict, (uint32_t)cursor), half = dict->mask >> 1;
    bool split = index > half || index + half + 1 < dict->buckets;
    uint64_t mask = split ? dict->mask : half;
    visit_chain(table_bucket(dict, index), visit, context);
    return reverse_bits(reverse_bits(cursor | ~mask) + 1);
}

void dict_each(const struct dict *dict, dict_visit *visit, void *context) {
    for (uint32_t i = 0; i < dict->buckets; i++)
        visit_chain(table_bucket(dict, i), visit, context);
}

bool dict_free_part(struct dict *dict, uint32_t buckets, dict_visit *visit, void *context) {
    for (; dict->buckets > 0 && buckets > 0; buckets--) {
        visit_chain(table_bucket(dict, dict->buckets - 1), visit, context);
        table_drop_last(dict);
    }
    return dict->buckets == 0;
}

void *dict_random(const struct dict *dict) {
    if (dict->entries == 0)
        return NULL;
    for (;;) {
        uint64_t chance = random_u64();
        const struct bucket *bucket = table_bucket(dict, (uint32_t)(((chance >> 32) * dict->buckets) >> 32));
        uint32_t count = bucket_chain_entries(bucket);
        if (count == 0)
            continue;
        uint32_t slot = (uint32_t)(((chance & 0xffffffff) * count) >> 32);
        for (; slot >= BUCKET_ENTRIES; slot -= BUCKET_ENTRIES)
            bucket = heap_object(bucket->next);
        return heap_object(bucket->entry[slot]);
    }
}
