// Replies, written where they leave from: into the connection's send buffer, or, where that has no room, into memory that
// waits for some.
#ifndef KV_REPLY_H
#define KV_REPLY_H

#include "servers/kv/bytes.h"
#include "servers/kv/real.h"

struct client;

// Where the next bytes go, and the end of the room for them.
struct reply_room {
    uint8_t *at, *end;
};

extern struct reply_room reply_room;

// What follows is for that client; NULL: for nobody.
void reply_begin(struct client *client);

// Hands over what was written. Between reply_begin() and this, serve_ functions must not be called.
void reply_end(void);

enum { REPLY_SMALL = 512 };

// Makes room for `bytes` bytes, up to REPLY_SMALL, in one piece.
void reply_more(size_t bytes);

static inline uint8_t *reply_at(size_t bytes) {
    if ((size_t)(reply_room.end - reply_room.at) < bytes)
        reply_more(bytes);
    return reply_room.at;
}

// Whether what is written now is lost: nobody asked, or there is no memory to keep it. Going on is of no use then.
bool reply_is_lost(void);

// Bytes as they are.
void reply_raw(struct bytes bytes);

static inline void reply_text(struct bytes text) {
    uint8_t *at = reply_at(text.size);
    copy_bytes(at, text.at, text.size);
    reply_room.at = at + text.size;
}

// A whole reply of few letters, without its end.
#define REPLY(literal) reply_text(TEXT(literal "\r\n"))

static inline void reply_ok(void) {
    REPLY("+OK");
}

static inline void reply_null(void) {
    REPLY("$-1");
}

static inline void reply_no_list(void) {
    REPLY("*-1");
}

void reply_integer(int64_t number);
void reply_list(uint64_t count);
void reply_string(struct bytes string);
void reply_string_head(uint64_t size); // the string follows, by reply_raw(), and its end, by REPLY("")
void reply_integer_string(int64_t number);
void reply_real(real number);
void reply_c_string(const char *string);

// An error: its code and words, of up to 400 bytes, without line ends.
void reply_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

// How many errors there have been.
extern uint64_t reply_errors;

void reply_wrong_type(void);
void reply_syntax_error(void);
void reply_not_an_integer(void);
void reply_no_memory(void);
void reply_log_full(void);

#endif
