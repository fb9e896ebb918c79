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

// Sets or takes away a key's deadline, and notes it. For a new one there is room.
void expiry_set(struct entry *entry, int64_t deadline_ms);
void expiry_clear(struct entry *entry);

#endif
