#include "servers/kv/table.h"

#include "servers/kv/heap.h"

static uint32_t entries_of(const struct bucket *bucket) {
    uint32_t count = 0;
    while (count < BUCKET_ENTRIES && bucket->entry[count] != 0)
        count++;
    return count;
}

uint32_t bucket_chain_entries(const struct bucket *bucket) {
    uint32_t count = 0;
    for (; bucket->next != 0; bucket = heap_object(bucket->next))
        count += BUCKET_ENTRIES;
    return count + entries_of(bucket);
}

static struct bucket *take_bucket(struct bucket **spare) {
    struct bucket *bucket;
    if (spare != NULL) {
        bucket = *spare;
        *spare = bucket->next == 0 ? NULL : heap_object(bucket->next);
    } else {
        bucket = heap_take(sizeof *bucket);
    }
    if (bucket != NULL)
        memset(bucket, 0, sizeof *bucket);
    return bucket;
}

bool bucket_append(struct bucket *bucket, uint16_t tag, uint32_t reference, struct bucket **spare) {
    while (bucket->next != 0)
        bucket = heap_object(bucket->next);
    uint32_t slot = entries_of(bucket);
    if (slot == BUCKET_ENTRIES) {
        struct bucket *next = take_bucket(spare);
        if (next == NULL)
            return false;
        bucket->next = heap_reference(next);
        bucket = next;
        slot = 0;
    }
    bucket->tag[slot] = tag;
    bucket->entry[slot] = reference;
    return true;
}

void bucket_remove(struct bucket *head, struct bucket *bucket, uint32_t slot) {
    struct bucket *before = NULL, *last = head;
    for (; last->next != 0; last = heap_object(last->next))
        before = last;
    uint32_t from = entries_of(last) - 1;
    bucket->tag[slot] = last->tag[from];
    bucket->entry[slot] = last->entry[from];
    last->entry[from] = 0;
    if (from == 0 && before != NULL) {
        before->next = 0;
        heap_give(last);
    }
}

// Puts the entries of a chain into those that they belong to now. Each bucket is read before it is used again, so the
// chain's own buckets always suffice.
static void spread(struct dict *dict, struct bucket *chain) {
    struct bucket *spare = NULL, *next = chain;
    bool first = true;
    while (next != NULL) {
        struct bucket *bucket = next;
        struct bucket read = *bucket;
        next = read.next == 0 ? NULL : heap_object(read.next);
        if (first) {
            memset(bucket, 0, sizeof *bucket);
        } else {
            bucket->next = spare == NULL ? 0 : heap_reference(spare);
            spare = bucket;
        }
        first = false;
        for (int slot = 0; slot < BUCKET_ENTRIES && read.entry[slot] != 0; slot++) {
            const struct dict_entry *entry = heap_object(read.entry[slot]);
            bucket_append(table_bucket(dict, table_index(dict, entry->hash)), read.tag[slot], read.entry[slot], &spare);
        }
    }
    while (spare != NULL) {
        struct bucket *bucket = spare;
        spare = bucket->next == 0 ? NULL : heap_object(bucket->next);
        heap_give(bucket);
    }
}

static bool make_first_room(struct dict *dict, uint32_t room) {
    struct bucket *first =
        dict->first == NULL ? heap_take(room * sizeof *first) : heap_resize(dict->first, room * sizeof *first);
    if (first == NULL)
        return false;
    dict->first = first;
    dict->first_room = room;
    return true;
}

static bool make_segment(struct dict *dict, uint32_t segment) {
    if (segment == dict->more_room) {
        uint32_t room = dict->more_room == 0 ? 4 : dict->more_room * 2;
        struct bucket **more =
            dict->more == NULL ? heap_take(room * sizeof *more) : heap_resize(dict->more, room * sizeof *more);
        if (more == NULL)
            return false;
        dict->more = more;
        dict->more_room = room;
    }
    dict->more[segment] = heap_take(TABLE_SEGMENT * sizeof(struct bucket));
    return dict->more[segment] != NULL;
}

bool table_grow(struct dict *dict) {
    uint32_t added = dict->buckets;
    if (added == UINT32_MAX)
        return false;
    if (added < TABLE_SEGMENT) {
        if (added == dict->first_room && !make_first_room(dict, added == 0 ? 1 : added * 2))
            return false;
    } else if (added % TABLE_SEGMENT == 0 && !make_segment(dict, added / TABLE_SEGMENT - 1)) {
        return false;
    }
    dict->buckets++;
    if (added > dict->mask)
        dict->mask = dict->mask * 2 + 1;
    memset(table_bucket(dict, added), 0, sizeof(struct bucket));
    if (added > 0)
        spread(dict, table_bucket(dict, added & dict->mask >> 1));
    return true;
}

// The chain of `from` goes to the end of `to`, with the heap's help for one bucket at most.
static bool join(struct bucket *to, struct bucket *from) {
    struct bucket *spare = heap_take(sizeof *spare);
    if (spare == NULL)
        return false;
    spare->next = 0;
    struct bucket *next = from;
    while (next != NULL) {
        struct bucket *bucket = next;
        struct bucket read = *bucket;
        next = read.next == 0 ? NULL : heap_object(read.next);
        if (bucket != from) {
            bucket->next = spare == NULL ? 0 : heap_reference(spare);
            spare = bucket;
        }
        for (int slot = 0; slot < BUCKET_ENTRIES && read.entry[slot] != 0; slot++)
            bucket_append(to, read.tag[slot], read.entry[slot], &spare);
    }
    while (spare != NULL) {
        struct bucket *bucket = spare;
        spare = bucket->next == 0 ? NULL : heap_object(bucket->next);
        heap_give(bucket);
    }
    return true;
}

static void uncount_last(struct dict *dict) {
    uint32_t last = --dict->buckets;
    if (last <= (dict->mask >> 1) + 1)
        dict->mask >>= 1;
    if (last >= TABLE_SEGMENT && last % TABLE_SEGMENT == 0)
        heap_give(dict->more[last / TABLE_SEGMENT - 1]);
    else if (last < TABLE_SEGMENT && last * 4 <= dict->first_room && last > 0)
        make_first_room(dict, dict->first_room / 2);
}

void table_shrink(struct dict *dict) {
    uint32_t last = dict->buckets - 1;
    if (join(table_bucket(dict, last & dict->mask >> 1), table_bucket(dict, last)))
        uncount_last(dict);
}

void table_drop_last(struct dict *dict) {
    struct bucket *bucket = table_bucket(dict, dict->buckets - 1);
    for (uint32_t next = bucket->next; next != 0;) {
        struct bucket *gone = heap_object(next);
        next = gone->next;
        heap_give(gone);
    }
    uncount_last(dict);
    if (dict->buckets > 0)
        return;
    heap_give(dict->first);
    if (dict->more != NULL)
        heap_give(dict->more);
    dict_init(dict, dict->name_offset);
}
