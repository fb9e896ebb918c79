// When keys are to expire, as commands say it.
#ifndef KV_EXPIRY_H
#define KV_EXPIRY_H

#include "servers/kv/command.h"

struct expiry_unit {
    const char *name;
    bool seconds;  // not milliseconds
    bool absolute; // since 1970, not from now
};

// Whether a word is EX, PX, EXAT or PXAT; `unit` may be NULL.
bool expiry_unit(struct bytes word, struct expiry_unit *unit);

// Reads the word at `at` in that unit, a time after 1970; false with a reply where it is none.
bool expiry_word(const struct request *request, struct bytes unit, uint32_t at, int64_t *deadline_ms);

// Sets the deadline of the key `name`, for which there is room, and notes it; one that has passed takes the key away.
void expiry_set(const struct dict_place *place, struct entry *entry, struct bytes name, int64_t deadline_ms);

// Takes a key's deadline away, and notes it.
void expiry_clear(struct entry *entry);

#endif
