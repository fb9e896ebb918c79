// A set's members.
#ifndef KV_MEMBERS_H
#define KV_MEMBERS_H

#include "servers/kv/value.h"

// Adds a member, where it is not there; false without memory.
bool set_add(struct dict *set, struct bytes name, bool *added);
bool set_remove(struct dict *set, struct bytes name);
bool set_has(const struct dict *set, struct bytes name); // NULL is the empty set

#endif
