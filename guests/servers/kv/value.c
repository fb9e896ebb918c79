#include "servers/kv/value.h"

#include "servers/kv/heap.h"

// What has more elements than AT_ONCE is freed a part at a time, if there is a place left to remember it.
enum { AT_ONCE = 64, LATER_MAX = 64, PART_CHUNKS = 2000, PART_BUCKETS = 1000 };

struct later {
    enum type type;
    void *value;
};

static struct later later[LATER_MAX];
static size_t later_count;

const char *type_name(enum type type) {
    static const char *const names[] = {"string", "list", "set", "hash", "zset"};
    return names[type];
}

bool value_make(struct entry *entry) {
    switch ((enum type)entry->type) {
    case TYPE_LIST:
        entry->value.list = list_new();
        return entry->value.list != NULL;
    case TYPE_ZSET:
        entry->value.zset = zset_new();
        return entry->value.zset != NULL;
    default:
        entry->value.table = heap_take(sizeof(struct dict));
        if (entry->value.table == NULL)
            return false;
        dict_init(entry->value.table,
                  entry->type == TYPE_HASH ? offsetof(struct entry, name) : offsetof(struct member, name));
        return true;
    }
}

uint64_t value_elements(const struct entry *entry) {
    switch ((enum type)entry->type) {
    case TYPE_LIST:
        return entry->value.list->elements;
    case TYPE_ZSET:
        return zset_members(entry->value.zset);
    case TYPE_SET:
    case TYPE_HASH:
        return entry->value.table->entries;
    default:
        return 1;
    }
}

static void free_plain(void *object, void *context) {
    (void)context;
    heap_give(object);
}

static void free_entry(void *object, void *context) {
    struct entry *entry = object;
    (void)context;
    if (entry->type != TYPE_STRING || entry->apart)
        value_free(entry);
    heap_give(entry);
}

// True when nothing of it is left.
static bool free_part(struct later *part, size_t chunks, uint32_t buckets) {
    struct zset *zset = part->value;
    switch (part->type) {
    case TYPE_LIST:
        return list_free_part(part->value, chunks);
    case TYPE_ZSET:
        if (!dict_free_part(&zset->members, buckets, free_plain, NULL))
            return false;
        break;
    default:
        if (!dict_free_part(part->value, buckets, part->type == TYPE_SET ? free_plain : free_entry, NULL))
            return false;
    }
    heap_give(part->value);
    return true;
}

static void free_sometime(enum type type, void *value, uint64_t elements) {
    struct later part = {type, value};
    // One place stays free, for the part that is taken out while it is freed.
    if (elements > AT_ONCE && later_count < LATER_MAX - 1)
        later[later_count++] = part;
    else
        free_part(&part, SIZE_MAX, UINT32_MAX);
}

void value_free(struct entry *entry) {
    if (entry->type != TYPE_STRING)
        free_sometime((enum type)entry->type, entry->value.list, value_elements(entry));
    else if (entry->apart)
        heap_give(entry->value.string);
}

void value_free_entries(struct dict *table) {
    dict_free_part(table, UINT32_MAX, free_entry, NULL);
}

void value_free_table(struct dict *table) {
    free_sometime(TYPE_HASH, table, table->entries);
}

bool value_free_more(bool all) {
    while (later_count > 0) {
        struct later part = later[--later_count];
        bool done = free_part(&part, all ? SIZE_MAX : PART_CHUNKS, all ? UINT32_MAX : PART_BUCKETS);
        if (!done)
            later[later_count++] = part;
        if (!all)
            break;
    }
    return later_count == 0;
}
