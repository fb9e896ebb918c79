#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include "kit.h"

// Takes formatted text, piece by piece.
struct sink {
    void (*put)(struct sink *sink, const char *text, size_t size);
};

void format_to(struct sink *sink, const char *format, va_list args);

#endif
