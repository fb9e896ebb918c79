// Rewriting the log: all keys are written into the other half of the device, a part at a time, while requests go on; then that
// half is the log. A change to a key that is in the new log already is noted in both.
#ifndef KV_REWRITE_H
#define KV_REWRITE_H

#include "servers/kv/entry.h"
#include "servers/kv/record.h"

// Takes memory for it; false without.
bool rewrite_init(void);

// Begins one; false where one goes on.
bool rewrite_start(void);

// Forgets the one that goes on, for when all keys go.
void rewrite_stop(void);

// Writes keys of about `bytes` bytes, and commits them. True when that was the last part, and `log` is the new log.
bool rewrite_some(struct log_writer *log, uint64_t bytes);

// Whether a rewriting can be hoped to make room: not where the last one found too little.
bool rewrite_is_of_use(void);

// Notes in the new log what log_request() and log_words() note in the old one.
void rewrite_request(struct bytes raw);
void rewrite_words(const struct bytes *words, size_t count);

// Notes in both logs that a key has got another name: whether the first, and the one of that name before, are in the new log.
void rewrite_renamed(struct bytes from_name, bool from_written, struct entry *renamed, bool other_written);

#endif
