// Queries: messages (RFC 1035, section 4) that ask one question, with EDNS (RFC 6891).
#ifndef QUERY_H
#define QUERY_H

#include "servers/dnsd/name.h"

#define HEADER_BYTES 12

// Bits of the header's second word.
enum {
    FLAG_RESPONSE = 0x8000,
    FLAGS_OPCODE = 0x7800,
    FLAG_AUTHORITATIVE = 0x0400,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSION_DESIRED = 0x0100,
};

enum response_code {
    CODE_NO_ERROR = 0,
    CODE_FORMAT_ERROR = 1,
    CODE_SERVER_FAILURE = 2,
    CODE_NAME_ERROR = 3,
    CODE_NOT_IMPLEMENTED = 4,
    CODE_REFUSED = 5,
    CODE_BAD_VERSION = 16, // needs EDNS to be told
};

struct query {
    uint16_t id, flags;
    bool has_question; // `name`, `type` and `class` are set
    const uint8_t *name; // in the message
    size_t name_size;
    uint16_t type, class;
    bool has_edns;
    uint16_t udp_bytes; // that the client takes, at least 512
};

enum query_result {
    QUERY_DROP,   // nothing that deserves an answer
    QUERY_ANSWER,
    QUERY_REFUSE, // with `code`
};

// Reads a message. The query's fields are set as far as they were read.
enum query_result query_read(struct query *query, const uint8_t *message, size_t size, enum response_code *code);

#endif
