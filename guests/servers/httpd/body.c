#include "servers/httpd/body.h"

void body_begin(struct body *body, const struct request *request) {
    *body = (struct body){.left = request->body_bytes};
    body->state = request->chunked ? BODY_CHUNK_SIZE_FIRST : request->body_bytes > 0 ? BODY_PLAIN : BODY_ENDED;
}

static enum body_state take_size_digit(struct body *body, uint8_t letter) {
    int digit = hex_digit((char)letter);
    if (digit < 0)
        return BODY_BROKEN;
    body->left = body->left << 4 | (uint64_t)digit;
    return body->chunks_bytes + body->left <= BODY_BYTES_MAX ? BODY_CHUNK_SIZE : BODY_BROKEN;
}

static enum body_state after_size(struct body *body) {
    body->chunks_bytes += body->left;
    return body->left > 0 ? BODY_CHUNK : BODY_TRAILER_FIRST;
}

// The text of an extension or a trailer field is looked through for control characters and nothing else.
static enum body_state take_text(struct body *body, uint8_t letter, enum body_state state, enum body_state end) {
    if (letter == '\r')
        return end;
    bool is_control = (letter < 0x20 && letter != '\t') || letter == 0x7f;
    return is_control || ++body->trailer_bytes > TRAILER_BYTES_MAX ? BODY_BROKEN : state;
}

static enum body_state expect(uint8_t letter, uint8_t expected, enum body_state next) {
    return letter == expected ? next : BODY_BROKEN;
}

// What comes after one letter, in any state but those that count content.
static enum body_state next_state(struct body *body, uint8_t letter) {
    switch (body->state) {
    case BODY_CHUNK_SIZE_FIRST:
        body->left = 0;
        return take_size_digit(body, letter);
    case BODY_CHUNK_SIZE:
        if (letter == ';')
            return BODY_CHUNK_EXTENSION;
        return letter == '\r' ? BODY_CHUNK_SIZE_END : take_size_digit(body, letter);
    case BODY_CHUNK_EXTENSION:
        return take_text(body, letter, BODY_CHUNK_EXTENSION, BODY_CHUNK_SIZE_END);
    case BODY_CHUNK_SIZE_END:
        return letter == '\n' ? after_size(body) : BODY_BROKEN;
    case BODY_CHUNK_END_FIRST:
        return expect(letter, '\r', BODY_CHUNK_END);
    case BODY_CHUNK_END:
        return expect(letter, '\n', BODY_CHUNK_SIZE_FIRST);
    case BODY_TRAILER_FIRST:
        return letter == '\r' ? BODY_LAST_END : take_text(body, letter, BODY_TRAILER, BODY_BROKEN);
    case BODY_TRAILER:
        return take_text(body, letter, BODY_TRAILER, BODY_TRAILER_END);
    case BODY_TRAILER_END:
        return expect(letter, '\n', BODY_TRAILER_FIRST);
    case BODY_LAST_END:
        return expect(letter, '\n', BODY_ENDED);
    default:
        return BODY_BROKEN;
    }
}

size_t body_drop(struct body *body, const uint8_t *bytes, size_t bytes_count) {
    size_t dropped = 0;
    while (dropped < bytes_count && !body_is_over(body)) {
        if (body->state != BODY_PLAIN && body->state != BODY_CHUNK) {
            body->state = next_state(body, bytes[dropped++]);
            continue;
        }
        size_t part = bytes_count - dropped < body->left ? bytes_count - dropped : (size_t)body->left;
        dropped += part;
        body->left -= part;
        if (body->left == 0)
            body->state = body->state == BODY_PLAIN ? BODY_ENDED : BODY_CHUNK_END_FIRST;
    }
    return dropped;
}
