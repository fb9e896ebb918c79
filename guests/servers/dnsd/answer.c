#include "servers/dnsd/answer.h"

#include "servers/dnsd/writer.h"

#define ALIASES_MAX 16 // that are followed for one question

struct answering {
    const struct zone *zone;
    const struct query *query;
    struct writer writer;
    bool is_authoritative, is_truncated;
    enum response_code code;
};

// Adds what the response is not whole without.
static bool add(struct answering *a, enum section section, const uint8_t *owner, const struct record_set *set,
                uint32_t ttl_s) {
    if (writer_add(&a->writer, section, owner, set, ttl_s))
        return true;
    a->is_truncated = true;
    return false;
}

static bool is_below(const struct node *node, const struct node *above) {
    while (node != NULL && node != above)
        node = node->parent;
    return node != NULL;
}

static bool add_address_set(struct answering *a, const struct node *node, uint16_t type) {
    const struct record_set *set = node_set(node, type);
    return set == NULL || writer_add(&a->writer, SECTION_ADDITIONAL, node->name, set, set->ttl_s);
}

// Adds the addresses of a set's targets as far as they fit. Those of servers that are named below the cut itself are
// found nowhere else, and needed (RFC 9471).
static void add_addresses(struct answering *a, const struct record_set *set, const struct node *cut) {
    if (set->form == NULL || set->form->target_at == NO_TARGET)
        return;
    for (int needed = 1; needed >= 0; needed--) {
        for (const struct record *record = set->first; record != NULL; record = record->next) {
            bool is_needed = cut != NULL && record->target != NULL && is_below(record->target, cut);
            if (record->target == NULL || is_needed != needed)
                continue;
            bool fits = add_address_set(a, record->target, TYPE_A) && add_address_set(a, record->target, TYPE_AAAA);
            a->is_truncated |= !fits && is_needed;
            if (!fits)
                return;
        }
    }
}

static void refer(struct answering *a, const struct node *cut) {
    const struct record_set *servers = node_set(cut, TYPE_NS);
    if (add(a, SECTION_AUTHORITY, cut->name, servers, servers->ttl_s))
        add_addresses(a, servers, cut);
}

// RFC 2308, sections 2 and 3.
static void deny(struct answering *a) {
    add(a, SECTION_AUTHORITY, a->zone->apex->name, a->zone->soa, a->zone->negative_ttl_s);
}

// For ANY, one set is enough (RFC 8482, section 4.1).
static const struct record_set *wanted_set(const struct node *node, uint16_t type) {
    return type == TYPE_ANY ? node->sets : node_set(node, type);
}

static bool was_followed(const uint8_t *const *owners, size_t count, const uint8_t *name) {
    for (size_t i = 0; i < count; i++)
        if (name_equals(owners[i], name))
            return true;
    return false;
}

// Answers for `name`, with what comes before the end of its aliases.
static void answer_name(struct answering *a, const uint8_t *name) {
    const uint8_t *owners[ALIASES_MAX];
    uint16_t type = a->query->type;
    for (size_t count = 0; count < ALIASES_MAX && !was_followed(owners, count, name); count++) {
        struct match match = zone_match(a->zone, name, type == TYPE_DS);
        if (match.is_outside)
            return;
        if (match.cut != NULL) {
            a->is_authoritative &= count > 0;
            refer(a, match.cut);
            return;
        }
        if (match.node == NULL) {
            a->code = CODE_NAME_ERROR;
            deny(a);
            return;
        }
        const struct record_set *set = wanted_set(match.node, type), *alias = node_set(match.node, TYPE_CNAME);
        if (set != NULL) {
            if (add(a, SECTION_ANSWER, name, set, set->ttl_s))
                add_addresses(a, set, NULL);
            return;
        }
        if (alias == NULL) {
            deny(a);
            return;
        }
        if (!add(a, SECTION_ANSWER, name, alias, alias->ttl_s))
            return;
        owners[count] = name;
        name = alias->first->data;
    }
}

static void answer_question(struct answering *a) {
    const struct query *query = a->query;
    bool is_transfer = query->type == TYPE_AXFR || query->type == TYPE_IXFR;
    bool is_known_class = query->class == CLASS_IN || query->class == CLASS_ANY;
    if (is_transfer || !is_known_class || zone_match(a->zone, query->name, false).is_outside) {
        a->code = CODE_REFUSED;
        return;
    }
    a->is_authoritative = query->class == CLASS_IN; // RFC 1034, section 4.3.2: never for all classes
    answer_name(a, query->name);
}

size_t answer(const struct zone *zone, const struct transport *transport, const uint8_t *message, size_t size,
              uint8_t *response) {
    struct query query;
    struct answering a = {.zone = zone, .query = &query};
    enum query_result result = query_read(&query, message, size, &a.code);
    if (result == QUERY_DROP)
        return 0;
    size_t udp_room = query.udp_bytes < transport->udp_bytes ? query.udp_bytes : transport->udp_bytes;
    writer_begin(&a.writer, &query, response, transport->is_tcp ? TCP_BYTES_MAX : udp_room);
    if (result == QUERY_ANSWER)
        answer_question(&a);
    uint16_t flags = (a.is_authoritative ? FLAG_AUTHORITATIVE : 0) | (a.is_truncated ? FLAG_TRUNCATED : 0);
    return writer_end(&a.writer, &query, flags, a.code, transport->udp_bytes);
}
