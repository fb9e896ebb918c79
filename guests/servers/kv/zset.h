// A set whose members have scores, in their order: a table to find a member, and a skip list that counts what it skips.
#ifndef KV_ZSET_H
#define KV_ZSET_H

#include "servers/kv/dict.h"
#include "servers/kv/real.h"

enum { ZSET_LEVELS = 24 };

// A reference to the next node on a level, 0 for none, and how many nodes on that is.
struct zset_link {
    uint32_t next;
    uint32_t span;
};

// The links, one a level, follow the name at the next multiple of 4.
struct zset_node {
    struct dict_entry common;
    real score;
    uint32_t before; // a reference; 0: the first
    uint8_t levels;
    uint8_t name[];
};

struct zset {
    struct dict members;
    struct zset_link head[ZSET_LEVELS];
    uint32_t levels;
    uint32_t last; // a reference; 0: none
};

struct zset *zset_new(void); // NULL without memory

struct zset_node *zset_find(const struct zset *zset, struct bytes name, struct dict_place *place);

// Adds a member not found at `place`; false without memory.
bool zset_add(struct zset *zset, const struct dict_place *place, struct bytes name, real score);
void zset_move(struct zset *zset, struct zset_node *node, real score);
void zset_remove(struct zset *zset, struct zset_node *node);

struct zset_node *zset_at(const struct zset *zset, uint64_t rank); // counted from 0; NULL behind the end
uint64_t zset_rank(const struct zset *zset, const struct zset_node *node);
struct zset_node *zset_next(const struct zset_node *node);
struct zset_node *zset_before(const struct zset_node *node);

// How many members have a score below `score`, or, with `and_equal`, not above it.
uint64_t zset_count_below(const struct zset *zset, real score, bool and_equal);

static inline uint64_t zset_members(const struct zset *zset) {
    return zset->members.entries;
}

static inline struct bytes zset_name(const struct zset_node *node) {
    return (struct bytes){node->name, node->common.name_size};
}

#endif
