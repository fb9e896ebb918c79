// A zone: the tree of its names, each with its sets of records.
#ifndef ZONE_H
#define ZONE_H

#include "servers/dnsd/name.h"
#include "servers/dnsd/record.h"

struct node;

struct record {
    struct record *next;
    const struct node *target; // of a type with one (record_form.target_at); NULL: outside of the zone, or not there
    uint16_t size;
    uint8_t data[];
};

// All records of one name and type (RFC 2181, section 5).
struct record_set {
    struct record_set *next; // of the same name
    const struct record_form *form; // NULL: data without meaning
    uint16_t type;
    uint16_t count;
    uint32_t ttl_s;
    struct record *first;
    struct record **link; // where the next one goes
};

struct node {
    struct node *next; // in its bucket
    struct node *parent;
    uint32_t hash;
    bool is_cut; // below it, another zone begins
    struct record_set *sets;
    uint8_t *name; // the whole, in the case it was written in
    uint8_t label[]; // the first, with its size, in lower case
};

struct zone {
    struct arena *arena;
    struct node *apex;
    struct node **buckets;
    size_t buckets_count, nodes_count, records_count;
    const struct record_set *soa;
    uint32_t negative_ttl_s; // for how long it may be remembered that something is not there (RFC 2308, section 5)
};

enum zone_result {
    ZONE_OK,
    ZONE_NO_MEMORY,
    ZONE_OUTSIDE,      // the name is not in the zone
    ZONE_ALIAS_ALONE,  // a CNAME has no other records beside it, no second CNAME either
    ZONE_SECOND_SOA,
    ZONE_WILDCARD_CUT, // RFC 4592, section 4.2, leaves it undefined
};

// Begins a zone with its apex.
enum zone_result zone_begin(struct zone *zone, struct arena *arena, const uint8_t *apex);

// Adds a record; one that is there already is not added again. The lowest TTL of a set counts for all of it.
enum zone_result zone_add(struct zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl_s, const uint8_t *data,
                          uint16_t size);

// When all records are there: marks the cuts, finds the targets. The apex must have its SOA.
void zone_finish(struct zone *zone);

struct record_set *node_set(const struct node *node, uint16_t type);

// What the zone knows of a name.
struct match {
    bool is_outside;         // nothing: it is not in the zone
    const struct node *cut;  // not NULL: it is at or below this cut
    const struct node *node; // the name's own, or the wildcard's that stands for it; NULL: no such name
};

// `name` in any case. A cut's own name is looked up above it for `is_above_cut` (records of the parent's, as DS).
struct match zone_match(const struct zone *zone, const uint8_t *name, bool is_above_cut);

#endif
