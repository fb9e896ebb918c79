// The log of changes on the storage device, where the server has one.
#ifndef KV_LOG_H
#define KV_LOG_H

#include "servers/kv/bytes.h"

// Whether changes are noted now: not without a storage device, and not while the log is read.
extern bool log_on;

// Whether requests come from the log.
extern bool log_reading;

// The number of the rewriting that goes on; 0: none. A key whose entry carries it is in the new log.
extern uint32_t log_rewriting;

// Whether the key that was looked up last is in the new log.
extern bool log_key_written;

// Reads the log on the storage device, and goes on with it. False where the program has no such device; ends the program
// where the log cannot be read or the heap does not hold what it tells.
bool log_open(const char *storage_name);

// Before a request: whether that many bytes can be noted, in a log that is rewritten to make room if need be. A request that
// frees memory may have the log's last part. True where there is no log.
bool log_make_room(size_t bytes, bool frees);

// Whether that many bytes can be noted without that, by what frees memory.
bool log_has_room(size_t bytes);

// Notes a change of the key that was looked up last as a request: as it came, or in other words.
void log_request(struct bytes raw);
void log_words(const struct bytes *words, size_t count);

// Writes what was noted. Whoever was told of it after this may rely on it.
void log_commit(void);

struct log_facts {
    uint64_t blocks, blocks_max, block_bytes, generation, records;
};

struct log_facts log_facts(void);

#endif
