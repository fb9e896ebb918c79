// The values that keys have, by type.
#ifndef KV_VALUE_H
#define KV_VALUE_H

#include "servers/kv/entry.h"
#include "servers/kv/list.h"
#include "servers/kv/zset.h"

// A set's member: a name and nothing else.
struct member {
    struct dict_entry common;
    uint8_t name[];
};

// Gives an entry an empty value of its type, other than a string; false without memory.
bool value_make(struct entry *entry);

// Gives back the value. What is large is freed later, in parts.
void value_free(struct entry *entry);

// Gives back all entries of a table: at once; or later, and then the table too.
void value_free_entries(struct dict *table);
void value_free_table(struct dict *table);

// Frees a part of what was left for later: for about a millisecond, or all of it; true when nothing is left.
bool value_free_more(bool all);

// How many elements the value has; a string has one.
uint64_t value_elements(const struct entry *entry);

static inline struct bytes member_name(const struct member *member) {
    return (struct bytes){member->name, member->common.name_size};
}

const char *type_name(enum type type);

#endif
