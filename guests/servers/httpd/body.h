// The content of a request, which no resource here wants: read to its end and dropped (RFC 9112, sections 6 and 7.1).
#ifndef BODY_H
#define BODY_H

#include "servers/httpd/request.h"

#define BODY_BYTES_MAX (1u << 20)
#define TRAILER_BYTES_MAX HEAD_BYTES_MAX // of all trailer fields and chunk extensions

enum body_state {
    BODY_ENDED,
    BODY_PLAIN,
    BODY_CHUNK_SIZE_FIRST,
    BODY_CHUNK_SIZE,
    BODY_CHUNK_EXTENSION,
    BODY_CHUNK_SIZE_END,
    BODY_CHUNK,
    BODY_CHUNK_END_FIRST,
    BODY_CHUNK_END,
    BODY_TRAILER_FIRST,
    BODY_TRAILER,
    BODY_TRAILER_END,
    BODY_LAST_END,
    BODY_BROKEN, // not chunked as it should be, or too long
};

struct body {
    enum body_state state;
    uint64_t left;          // of the content, or of the chunk
    uint64_t chunks_bytes;  // of all chunks
    uint32_t trailer_bytes;
};

static inline bool body_is_over(const struct body *body) {
    return body->state == BODY_ENDED || body->state == BODY_BROKEN;
}

void body_begin(struct body *body, const struct request *request);

// Returns how many bytes belong to the content: all of them, unless it ends or breaks with them.
size_t body_drop(struct body *body, const uint8_t *bytes, size_t bytes_count);

#endif
