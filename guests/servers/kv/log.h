// The log of changes on the storage device, where the server keeps one.
#ifndef KV_LOG_H
#define KV_LOG_H

#include "servers/kv/bytes.h"

// Whether changes are noted now: not without a storage device, and not while the log is read.
extern bool log_on;

// The number of the rewriting that goes on; 0: none. A key whose entry carries it is in the new log.
extern uint32_t log_rewriting;

// Whether the key that was looked up last is in the new log.
extern bool log_key_written;

bool log_is_read(void); // whether requests come from the log

// Whether a request of these words can be noted; true where there is no log.
bool log_has_room(const struct bytes *words, size_t count);
bool log_has_bytes(size_t bytes);

// Notes a change of the key that was looked up last as a request: as it came, or in other words.
void log_request(struct bytes raw);
void log_words(const struct bytes *words, size_t count);

#endif
