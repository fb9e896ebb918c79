// Master files (RFC 1035, section 5, with $TTL of RFC 2308 and unknown types of RFC 3597) into a zone.
#ifndef ZONE_FILE_H
#define ZONE_FILE_H

#include "servers/dnsd/zone.h"

struct zone_error {
    unsigned line; // 0: of the zone as a whole
    char text[200];
};

// Reads a zone, whose first record must be its SOA. `origin` completes relative names until $ORIGIN names another;
// NULL: none. The zone keeps nothing of `text`. False: `error` says why, for the user who wrote it.
bool zone_read(struct zone *zone, struct arena *arena, const char *text, size_t size, const struct name *origin,
               struct zone_error *error);

// Reads a name as a master file has it, relative to `origin` (NULL: none). NULL, or what is wrong with it.
const char *name_read(struct name *name, const char *text, size_t size, const struct name *origin);

#endif
