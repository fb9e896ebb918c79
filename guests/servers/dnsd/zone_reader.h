// What the parts that read a master file share.
#ifndef ZONE_READER_H
#define ZONE_READER_H

#include "servers/dnsd/lexer.h"
#include "servers/dnsd/zone_file.h"

#define DATA_BYTES_MAX 65535

struct reader {
    struct lexer lexer;
    struct token token; // the next one, not used yet
    unsigned line;      // to complain of
    struct zone *zone;
    struct arena *arena;
    struct zone_error *error;
    struct name origin, owner;
    bool has_origin, has_owner, has_default_ttl, has_last_ttl, has_zone;
    uint32_t default_ttl_s, last_ttl_s; // of $TTL; of the record before
};

// Notes what is wrong in reader->line; returns false.
bool complain(struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Reads the token behind `reader->token` into it. False: the text is malformed there, and that was complained of.
bool advance(struct reader *reader);

static inline bool at_text(const struct reader *reader) {
    return reader->token.kind == TOKEN_WORD || reader->token.kind == TOKEN_STRING;
}

// From here on, complaints are of the line of reader->token.
static inline void look_here(struct reader *reader) {
    reader->line = reader->lexer.line;
}

// Uses up a token that is a word and gives its text; complains that `what` is missing.
bool take_word(struct reader *reader, const char *what, struct word *word);

// A TTL or another time: seconds, or numbers with units as in 1h30m; at most 2^31 - 1 (RFC 2181, section 8).
bool time_read(struct word word, uint32_t *seconds);

// Reads a record's data up to the end of its line, into room for DATA_BYTES_MAX. `form` is NULL for a type that has
// none: then only the form of RFC 3597 can be read.
bool data_read(struct reader *reader, const struct record_form *form, uint8_t *data, uint16_t *data_size);

#endif
