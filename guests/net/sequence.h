// Sequence numbers (RFC 9293 3.4): they wrap, and are compared over half their circle; and sets of ranges of them.
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include "kit.h"

typedef uint32_t sequence;

static inline bool before(sequence a, sequence b) {
    return (int32_t)(a - b) < 0;
}

static inline bool at_or_before(sequence a, sequence b) {
    return (int32_t)(a - b) <= 0;
}

static inline sequence later_of(sequence a, sequence b) {
    return before(a, b) ? b : a;
}

// From `begin` up to, but without, `end`.
struct sequence_range {
    sequence begin, end;
};

enum { SEQUENCE_RANGES_MAX = 16 };

// Ranges in order, which neither touch nor overlap.
struct sequence_set {
    uint32_t count;
    struct sequence_range ranges[SEQUENCE_RANGES_MAX];
};

// Whether sequence_set_add() has room for a range.
bool sequence_set_has_room(const struct sequence_set *set, sequence begin, sequence end);

// False: it would be one range too many, and the set stays as it was.
bool sequence_set_add(struct sequence_set *set, sequence begin, sequence end);

// Removes what lies before `begin`.
void sequence_set_trim(struct sequence_set *set, sequence begin);

bool sequence_set_contains(const struct sequence_set *set, sequence begin, sequence end);

#endif
