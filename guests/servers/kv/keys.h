// The keys: finding, making and removing them, and their expiry.
#ifndef KV_KEYS_H
#define KV_KEYS_H

#include "servers/kv/deadlines.h"
#include "servers/kv/value.h"

extern struct dict keys;

extern int64_t now_ms;        // milliseconds since 1970, as of the current batch
extern uint64_t keys_expired; // how many have
extern bool keys_expire;      // whether they do; not while a log is read

void keys_init(void);

// The key's entry, or NULL where there is none or it has expired; `place` receives the hash in both cases.
struct entry *keys_find(struct bytes name, struct dict_place *place);

// Makes a key that keys_find() did not find, with an empty value of that type. NULL without memory.
struct entry *keys_add(const struct dict_place *place, struct bytes name, enum type type);

// Sets the string of the key that keys_find() found, or of a new one where `entry` is NULL. NULL without memory.
struct entry *keys_set_string(struct dict_place *place, struct entry *entry, struct bytes name, struct bytes string);

// Takes a key away with its value.
void keys_remove(const struct dict_place *place, struct entry *entry);

// Gives a key another name, in place of the key that had it, if there was one. The key, or NULL without memory.
struct entry *keys_rename(struct entry *entry, struct bytes name);

void keys_clear(void);

// Takes away up to `limit` keys that have expired; returns how many.
uint32_t keys_expire_some(uint32_t limit);

#endif
