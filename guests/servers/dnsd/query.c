#include "servers/dnsd/query.h"

#include "servers/dnsd/record.h"

#define UDP_BYTES_MIN 512 // RFC 1035, section 4.2.1

struct cursor {
    const uint8_t *at, *end;
};

static size_t left_in(const struct cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}

// A name without pointers: in the first name of a message there is nothing that one could point to.
static bool take_name(struct cursor *cursor, struct query *query) {
    const uint8_t *start = cursor->at;
    for (;;) {
        if (left_in(cursor) == 0 || *cursor->at > LABEL_BYTES_MAX)
            return false;
        size_t size = 1u + *cursor->at;
        if (size > left_in(cursor) || (size_t)(cursor->at - start) + size > NAME_BYTES_MAX)
            return false;
        cursor->at += size;
        if (size == 1)
            break;
    }
    query->name = start;
    query->name_size = (size_t)(cursor->at - start);
    return true;
}

// Any name, which may end with a pointer; where that leads is of no interest.
static bool skip_name(struct cursor *cursor) {
    while (left_in(cursor) > 0) {
        uint8_t first = *cursor->at;
        bool is_pointer = first >= 0xc0;
        size_t size = is_pointer ? 2 : 1u + first;
        if ((first > LABEL_BYTES_MAX && !is_pointer) || size > left_in(cursor))
            return false;
        cursor->at += size;
        if (is_pointer || size == 1)
            return true;
    }
    return false;
}

static bool take_question(struct cursor *cursor, struct query *query) {
    if (!take_name(cursor, query) || left_in(cursor) < 4)
        return false;
    query->type = load_be16(cursor->at);
    query->class = load_be16(cursor->at + 2);
    query->has_question = true;
    cursor->at += 4;
    return true;
}

// RFC 6891, section 6.1.2: each option has a code and a size.
static bool options_are_sound(const uint8_t *at, size_t size) {
    while (size > 0) {
        if (size < 4 || size - 4 < load_be16(at + 2))
            return false;
        size_t option = 4u + load_be16(at + 2);
        at += option;
        size -= option;
    }
    return true;
}

// The OPT record, its name taken off already. False: malformed.
static bool take_edns(struct query *query, bool is_root, const uint8_t *fixed, size_t data_size,
                      enum response_code *code) {
    if (!is_root || query->has_edns || !options_are_sound(fixed + 10, data_size))
        return false;
    uint16_t size = load_be16(fixed + 2);
    query->has_edns = true;
    query->udp_bytes = size < UDP_BYTES_MIN ? UDP_BYTES_MIN : size;
    if (fixed[5] != 0)
        *code = CODE_BAD_VERSION;
    return true;
}

static bool take_record(struct cursor *cursor, struct query *query, bool is_additional, enum response_code *code) {
    bool is_root = left_in(cursor) > 0 && *cursor->at == 0;
    if (!skip_name(cursor) || left_in(cursor) < 10)
        return false;
    const uint8_t *fixed = cursor->at; // type, class, TTL, size
    size_t data_size = load_be16(fixed + 8);
    if (data_size > left_in(cursor) - 10)
        return false;
    cursor->at += 10 + data_size;
    if (load_be16(fixed) != TYPE_OPT)
        return true;
    return is_additional && take_edns(query, is_root, fixed, data_size, code);
}

static bool read_body(struct query *query, struct cursor *cursor, const uint8_t *header, enum response_code *code) {
    uint16_t questions = load_be16(header + 4), answers = load_be16(header + 6);
    uint16_t authorities = load_be16(header + 8), additionals = load_be16(header + 10);
    if (questions != 1 || !take_question(cursor, query))
        return false;
    // An IXFR brings its SOA along (RFC 1995, section 3).
    if (answers != 0 || authorities > (query->type == TYPE_IXFR ? 1 : 0))
        return false;
    for (uint32_t i = 0; i < (uint32_t)authorities + additionals; i++)
        if (!take_record(cursor, query, i >= authorities, code))
            return false;
    return cursor->at == cursor->end;
}

enum query_result query_read(struct query *query, const uint8_t *message, size_t size, enum response_code *code) {
    *query = (struct query){.udp_bytes = UDP_BYTES_MIN};
    if (size < HEADER_BYTES)
        return QUERY_DROP;
    query->id = load_be16(message);
    query->flags = load_be16(message + 2);
    if ((query->flags & FLAG_RESPONSE) != 0)
        return QUERY_DROP;
    *code = CODE_NOT_IMPLEMENTED;
    if ((query->flags & FLAGS_OPCODE) != 0)
        return QUERY_REFUSE;
    struct cursor cursor = {message + HEADER_BYTES, message + size};
    *code = CODE_NO_ERROR;
    if (!read_body(query, &cursor, message, code)) {
        *code = CODE_FORMAT_ERROR;
        return QUERY_REFUSE;
    }
    return *code == CODE_NO_ERROR ? QUERY_ANSWER : QUERY_REFUSE;
}
