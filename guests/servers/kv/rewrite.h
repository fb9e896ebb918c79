// Rewriting the log: all keys are written into the other half of the device, a part at a time, while requests go on; then that
// half is the log. A change to a key that is in the new log already is noted in both.
#ifndef KV_REWRITE_H
#define KV_REWRITE_H

#include "servers/kv/entry.h"

// Begins one, if none goes on; false where there is no log.
bool rewrite_start(void);

// Forgets the one that goes on, for when all keys go.
void rewrite_stop(void);

// Writes keys of about `bytes` bytes. At the end the new log takes the old one's place.
void rewrite_some(size_t bytes);

// Notes in both logs that a key has got another name: whether the first, and the one of that name before, are in the new log.
void rewrite_renamed(struct bytes from_name, bool from_written, struct entry *renamed, bool other_written);

#endif
