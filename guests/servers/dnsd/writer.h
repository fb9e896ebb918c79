// Responses, with names compressed (RFC 1035, section 4.1.4).
#ifndef WRITER_H
#define WRITER_H

#include "servers/dnsd/query.h"
#include "servers/dnsd/zone.h"

#define NAMES_MAX 64 // that can be pointed to; a later name is written out

enum section {
    SECTION_ANSWER,
    SECTION_AUTHORITY,
    SECTION_ADDITIONAL,
};

struct writer {
    uint8_t *bytes;
    size_t size, room;
    uint16_t counts[3]; // of records in each section
    uint16_t names_count;
    uint16_t names[NAMES_MAX]; // where names begin, each a whole name to its end
};

// Begins a response: room for the header is left, the question (if the query has one) is written as it came. The last
// bytes of `room` are kept for the OPT record that answers EDNS.
void writer_begin(struct writer *writer, const struct query *query, uint8_t *bytes, size_t room);

// Writes all records of a set, under the name `owner`, or none. False: there is no room for them.
bool writer_add(struct writer *writer, enum section section, const uint8_t *owner, const struct record_set *set,
                uint32_t ttl_s);

// Writes the header, and the OPT record: `udp_bytes` says what this server takes. Returns the response's size.
size_t writer_end(struct writer *writer, const struct query *query, uint16_t flags, enum response_code code,
                  uint16_t udp_bytes);

#endif
