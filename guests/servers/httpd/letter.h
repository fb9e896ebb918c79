// What letters may be where in a request.
#ifndef LETTER_H
#define LETTER_H

#include "kit.h"

enum { IS_TOKEN = 1, IS_TARGET = 2, IS_HOST = 4 };

extern const uint8_t letter_classes[256];

// Skips letters of a class.
static inline const char *skip_class(const char *at, const char *end, uint8_t class) {
    while (at < end && (letter_classes[(uint8_t)*at] & class) != 0)
        at++;
    return at;
}

// Skips what a field's value may have: everything but control characters, with the tab.
const char *skip_text(const char *at, const char *end);

#endif
