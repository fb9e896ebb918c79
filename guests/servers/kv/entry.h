// What the tables of keys and of a hash's fields hold: a name with its value.
#ifndef KV_ENTRY_H
#define KV_ENTRY_H

#include "servers/kv/dict.h"

enum type { TYPE_STRING, TYPE_LIST, TYPE_SET, TYPE_HASH, TYPE_ZSET, TYPES };

struct list;
struct zset;

// A short string stands behind its name, a longer one by itself.
struct entry {
    struct dict_entry common;
    uint8_t type;
    bool apart;    // the string is not behind the name
    uint16_t room; // bytes behind the name
    uint32_t size; // of the string
    union {
        uint8_t *string;
        struct list *list;
        struct dict *table; // of a set's members, or a hash's fields
        struct zset *zset;
    } value;
    uint32_t deadline; // its place among the deadlines; 0: none
    uint32_t written;  // the last rewriting of the log that has it
    uint8_t name[];
};

static inline struct bytes entry_name(const struct entry *entry) {
    return (struct bytes){entry->name, entry->common.name_size};
}

static inline struct bytes entry_string(const struct entry *entry) {
    return (struct bytes){entry->apart ? entry->value.string : entry->name + entry->common.name_size, entry->size};
}

// An entry without a value, not in any table. NULL without memory.
struct entry *entry_new(struct bytes name, enum type type, size_t room);

// Sets the string of the entry found at `place`, or of a new one put into the table where `entry` is NULL. The value that
// was there goes; deadline and marks stay. Returns the entry, which may have moved, or NULL without memory.
struct entry *entry_set_string(struct dict *dict, struct dict_place *place, struct entry *entry, struct bytes name,
                               struct bytes string);

// Makes the string `size` bytes long, with zeros where it becomes longer, and returns the entry, which may have moved, or NULL
// without memory. Grows ahead, so that appending takes constant time on average.
struct entry *entry_resize_string(const struct dict_place *place, struct entry *entry, size_t size);

static inline uint8_t *entry_string_bytes(struct entry *entry) {
    return entry->apart ? entry->value.string : entry->name + entry->common.name_size;
}

#endif
