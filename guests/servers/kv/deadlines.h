// When keys expire: a heap, the earliest first. Times are milliseconds since 1970.
#ifndef KV_DEADLINES_H
#define KV_DEADLINES_H

#include "servers/kv/entry.h"

#define NO_DEADLINE INT64_MAX

// Makes room for one deadline more; false without memory.
bool deadline_reserve(void);

// Sets or moves the entry's deadline; for a new one there is room.
void deadline_set(struct entry *entry, int64_t time_ms);
void deadline_clear(struct entry *entry);

// NO_DEADLINE where it has none.
int64_t deadline_of(const struct entry *entry);

// The entry has moved in memory.
void deadline_moved(struct entry *entry);

// The entry that expires first, or NULL.
struct entry *deadline_first(void);

uint32_t deadline_count(void);

// Forgets all deadlines, for when all keys go.
void deadlines_clear(void);

#endif
