#include "servers/dnsd/zone.h"

#define BUCKETS_FIRST 256
#define NO_HASH 0x811c9dc5u

// ---- the tree ----------------------------------------------------------------------------------------------------

// FNV-1a, of a label and of those behind it: a name's hash is made from the apex on.
static uint32_t hash_of(uint32_t parent_hash, const uint8_t *label) {
    uint32_t hash = parent_hash;
    for (size_t i = 0; i <= label[0]; i++)
        hash = (hash ^ lower_case[label[i]]) * 0x01000193u;
    return hash;
}

// `stored` is in lower case. A label's size is no letter: it may be looked at as one.
static bool label_equals(const uint8_t *stored, const uint8_t *label) {
    for (size_t i = 0; i <= stored[0]; i++)
        if (stored[i] != lower_case[label[i]])
            return false;
    return true;
}

static struct node *find_child(const struct zone *zone, const struct node *parent, const uint8_t *label) {
    uint32_t hash = hash_of(parent->hash, label);
    struct node *node = zone->buckets[hash & (zone->buckets_count - 1)];
    while (node != NULL && (node->hash != hash || node->parent != parent || !label_equals(node->label, label)))
        node = node->next;
    return node;
}

static bool grow(struct zone *zone) {
    size_t count = zone->buckets_count == 0 ? BUCKETS_FIRST : zone->buckets_count * 2;
    struct node **buckets = arena_take(zone->arena, count * sizeof *buckets, sizeof(void *));
    if (buckets == NULL)
        return false;
    memset(buckets, 0, count * sizeof *buckets);
    for (size_t i = 0; i < zone->buckets_count; i++) {
        for (struct node *node = zone->buckets[i], *next; node != NULL; node = next) {
            next = node->next;
            node->next = buckets[node->hash & (count - 1)];
            buckets[node->hash & (count - 1)] = node;
        }
    }
    zone->buckets = buckets;
    zone->buckets_count = count;
    return true;
}

static struct node *add_node(struct zone *zone, struct node *parent, const uint8_t *name) {
    if (zone->nodes_count >= zone->buckets_count && !grow(zone))
        return NULL;
    size_t size = name_size(name);
    struct node *node = arena_take(zone->arena, sizeof *node + 1u + name[0], _Alignof(struct node));
    uint8_t *copy = arena_take(zone->arena, size, 1);
    if (node == NULL || copy == NULL)
        return NULL;
    memcpy(copy, name, size);
    *node = (struct node){
        .parent = parent, .hash = hash_of(parent == NULL ? NO_HASH : parent->hash, name), .name = copy};
    for (size_t i = 0; i <= name[0]; i++)
        node->label[i] = lower_case[name[i]];
    struct node **bucket = &zone->buckets[node->hash & (zone->buckets_count - 1)];
    node->next = *bucket;
    *bucket = node;
    zone->nodes_count++;
    return node;
}

// How many labels of `name`, whose offsets and count are given, are in front of the apex; SIZE_MAX: it is outside.
static size_t labels_below(const struct zone *zone, const uint8_t *name, const uint8_t *offsets, size_t count) {
    const uint8_t *apex = zone->apex->name;
    size_t apex_count = 0;
    for (const uint8_t *label = apex; *label != 0; label += 1u + *label)
        apex_count++;
    if (count < apex_count)
        return SIZE_MAX;
    size_t below = count - apex_count;
    const uint8_t *rest = below < count ? name + offsets[below] : (const uint8_t *)"";
    return name_equals(rest, apex) ? below : SIZE_MAX;
}

static enum zone_result find_or_add(struct zone *zone, const uint8_t *name, struct node **found) {
    uint8_t offsets[LABELS_MAX];
    size_t below = labels_below(zone, name, offsets, name_labels(name, offsets));
    if (below == SIZE_MAX)
        return ZONE_OUTSIDE;
    struct node *node = zone->apex;
    while (below-- > 0) {
        struct node *child = find_child(zone, node, name + offsets[below]);
        node = child != NULL ? child : add_node(zone, node, name + offsets[below]);
        if (node == NULL)
            return ZONE_NO_MEMORY;
    }
    *found = node;
    return ZONE_OK;
}

static bool is_wildcard(const struct node *node) {
    return node->label[0] == 1 && node->label[1] == '*';
}

// ---- records -----------------------------------------------------------------------------------------------------

struct record_set *node_set(const struct node *node, uint16_t type) {
    struct record_set *set = node->sets;
    while (set != NULL && set->type != type)
        set = set->next;
    return set;
}

static struct record_set *add_set(struct zone *zone, struct node *node, uint16_t type, uint32_t ttl_s) {
    struct record_set *set = arena_take(zone->arena, sizeof *set, _Alignof(struct record_set)), **link = &node->sets;
    if (set == NULL)
        return NULL;
    *set = (struct record_set){.form = record_form(type), .type = type, .ttl_s = ttl_s};
    set->link = &set->first;
    while (*link != NULL)
        link = &(*link)->next;
    *link = set;
    return set;
}

static bool has_record(const struct record_set *set, const uint8_t *data, uint16_t size) {
    for (const struct record *record = set->first; record != NULL; record = record->next)
        if (record->size == size && memcmp(record->data, data, size) == 0)
            return true;
    return false;
}

static enum zone_result check_neighbours(const struct zone *zone, const struct node *node, uint16_t type) {
    const struct record_set *sets = node->sets;
    bool has_alias = sets != NULL && sets->type == TYPE_CNAME;
    if (has_alias || (type == TYPE_CNAME && sets != NULL))
        return ZONE_ALIAS_ALONE;
    if (type == TYPE_SOA)
        return node != zone->apex ? ZONE_OUTSIDE : sets != NULL && node_set(node, TYPE_SOA) ? ZONE_SECOND_SOA : ZONE_OK;
    return type == TYPE_NS && is_wildcard(node) ? ZONE_WILDCARD_CUT : ZONE_OK;
}

enum zone_result zone_add(struct zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl_s, const uint8_t *data,
                          uint16_t size) {
    struct node *node;
    enum zone_result result = find_or_add(zone, owner, &node);
    if (result != ZONE_OK)
        return result;
    struct record_set *set = node_set(node, type);
    if (set != NULL && has_record(set, data, size))
        return ZONE_OK;
    result = check_neighbours(zone, node, type);
    if (result != ZONE_OK)
        return result;
    struct record *record = arena_take(zone->arena, sizeof *record + size, _Alignof(struct record));
    if (set == NULL)
        set = add_set(zone, node, type, ttl_s);
    if (record == NULL || set == NULL)
        return ZONE_NO_MEMORY;
    *record = (struct record){.size = size};
    memcpy(record->data, data, size);
    *set->link = record;
    set->link = &record->next;
    set->count++;
    set->ttl_s = ttl_s < set->ttl_s ? ttl_s : set->ttl_s;
    zone->records_count++;
    return ZONE_OK;
}

enum zone_result zone_begin(struct zone *zone, struct arena *arena, const uint8_t *apex) {
    *zone = (struct zone){.arena = arena};
    zone->apex = add_node(zone, NULL, apex);
    return zone->apex == NULL ? ZONE_NO_MEMORY : ZONE_OK;
}

// ---- the finished zone -------------------------------------------------------------------------------------------

// The node of exactly this name, above or below a cut.
static const struct node *find_exact(const struct zone *zone, const uint8_t *name) {
    uint8_t offsets[LABELS_MAX];
    size_t below = labels_below(zone, name, offsets, name_labels(name, offsets));
    if (below == SIZE_MAX)
        return NULL;
    const struct node *node = zone->apex;
    while (node != NULL && below-- > 0)
        node = find_child(zone, node, name + offsets[below]);
    return node;
}

static void find_targets(const struct zone *zone, struct record_set *set) {
    if (set->form == NULL || set->form->target_at == NO_TARGET)
        return;
    for (struct record *record = set->first; record != NULL; record = record->next)
        record->target = find_exact(zone, record->data + set->form->target_at);
}

void zone_finish(struct zone *zone) {
    for (size_t i = 0; i < zone->buckets_count; i++) {
        for (struct node *node = zone->buckets[i]; node != NULL; node = node->next) {
            node->is_cut = node != zone->apex && node_set(node, TYPE_NS) != NULL;
            for (struct record_set *set = node->sets; set != NULL; set = set->next)
                find_targets(zone, set);
        }
    }
    zone->soa = node_set(zone->apex, TYPE_SOA);
    const struct record *soa = zone->soa->first;
    uint32_t minimum_s = load_be32(soa->data + soa->size - 4);
    zone->negative_ttl_s = minimum_s < zone->soa->ttl_s ? minimum_s : zone->soa->ttl_s;
}

struct match zone_match(const struct zone *zone, const uint8_t *name, bool is_above_cut) {
    uint8_t offsets[LABELS_MAX];
    size_t below = labels_below(zone, name, offsets, name_labels(name, offsets));
    if (below == SIZE_MAX)
        return (struct match){.is_outside = true};
    const struct node *node = zone->apex;
    while (below-- > 0) {
        const struct node *child = find_child(zone, node, name + offsets[below]);
        if (child == NULL) // RFC 4592, section 3.3.1: the closest encloser's wildcard
            return (struct match){.node = find_child(zone, node, (const uint8_t *)"\1*")};
        if (child->is_cut && !(below == 0 && is_above_cut))
            return (struct match){.cut = child};
        node = child;
    }
    return (struct match){.node = node};
}
