#include "servers/dnsd/name.h"

#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROWS(n) ROW(n), ROW(n + 8), ROW(n + 16), ROW(n + 24)

const uint8_t lower_case[256] = {
    ROWS(0),
    ROWS(32),
    '@',
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
    'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    '[', '\\', ']', '^', '_',
    ROWS(96), ROWS(128), ROWS(160), ROWS(192), ROWS(224),
};

size_t name_size(const uint8_t *name) {
    size_t size = 0;
    while (name[size] != 0)
        size += 1u + name[size];
    return size + 1;
}

bool name_equals(const uint8_t *a, const uint8_t *b) {
    for (;; a++, b++) {
        size_t size = *a;
        if (size != *b)
            return false;
        if (size == 0)
            return true;
        for (; size > 0; size--)
            if (lower_case[*++a] != lower_case[*++b])
                return false;
    }
}

size_t name_labels(const uint8_t *name, uint8_t offsets[LABELS_MAX]) {
    size_t count = 0;
    for (size_t at = 0; name[at] != 0; at += 1u + name[at])
        offsets[count++] = (uint8_t)at;
    return count;
}

bool name_append(struct name *name, const uint8_t *label, size_t label_size) {
    if (label_size == 0 || label_size > LABEL_BYTES_MAX || label_size + 1 > (size_t)NAME_BYTES_MAX - name->size)
        return false;
    uint8_t *at = name->bytes + name->size - 1;
    *at++ = (uint8_t)label_size;
    memcpy(at, label, label_size);
    at[label_size] = 0;
    name->size = (uint8_t)(name->size + label_size + 1);
    return true;
}

bool name_append_name(struct name *name, const uint8_t *other) {
    for (; *other != 0; other += 1u + *other)
        if (!name_append(name, other + 1, *other))
            return false;
    return true;
}
