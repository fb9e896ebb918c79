// Domain names in wire form (RFC 1035, section 3.1): labels, each behind its size, to the root's empty one.
#ifndef NAME_H
#define NAME_H

#include "kit.h"

#define NAME_BYTES_MAX 255
#define LABEL_BYTES_MAX 63
#define LABELS_MAX 127 // without the root's

struct name {
    uint8_t size; // with the root's label
    uint8_t bytes[NAME_BYTES_MAX];
};

extern const uint8_t lower_case[256]; // of ASCII letters; all else is itself

// Size of a well-formed name, with the root's label.
size_t name_size(const uint8_t *name);

// Compares well-formed names without regard to case (RFC 4343).
bool name_equals(const uint8_t *a, const uint8_t *b);

// Offsets of a well-formed name's labels, the first one's first, without the root's. Returns how many there are.
size_t name_labels(const uint8_t *name, uint8_t offsets[LABELS_MAX]);

// Appends a label before the root's; false where label or name would be too long, or the label is empty.
bool name_append(struct name *name, const uint8_t *label, size_t label_size);

// Appends all labels of another name.
bool name_append_name(struct name *name, const uint8_t *other);

static inline void name_clear(struct name *name) {
    name->size = 1;
    name->bytes[0] = 0;
}

#endif
