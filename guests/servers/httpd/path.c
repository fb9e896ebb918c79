#include "servers/httpd/path.h"

static enum path_result decode(struct slice encoded, struct path *path) {
    path->size = 0;
    for (size_t i = 0; i < encoded.size; i++) {
        char letter = encoded.at[i];
        if (letter == '%') {
            int high = encoded.size - i > 2 ? hex_digit(encoded.at[i + 1]) : -1;
            int low = encoded.size - i > 2 ? hex_digit(encoded.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return PATH_BAD;
            letter = (char)(high << 4 | low);
            i += 2;
        }
        if (letter == '\0')
            return PATH_BAD;
        if (path->size == PATH_BYTES_MAX)
            return PATH_TOO_LONG;
        path->bytes[path->size++] = letter;
    }
    return PATH_READY;
}

// What is kept ends with '/' or is empty, but for a last part that is no directory.
static bool normalise(struct path *path) {
    char *bytes = path->bytes;
    size_t kept = 0;
    path->is_directory = true;
    for (size_t at = 0, end; at < path->size; at = end + 1) {
        for (end = at; end < path->size && bytes[end] != '/';)
            end++;
        struct slice part = {bytes + at, end - at};
        if (part.size == 0 || slice_equals(part, SLICE(".")))
            continue;
        if (slice_equals(part, SLICE(".."))) {
            if (kept == 0)
                return false;
            do
                kept--;
            while (kept > 0 && bytes[kept - 1] != '/');
            continue;
        }
        memmove(bytes + kept, part.at, part.size);
        kept += part.size;
        path->is_directory = end < path->size;
        if (path->is_directory)
            bytes[kept++] = '/';
    }
    path->size = kept > 0 && bytes[kept - 1] == '/' ? kept - 1 : kept;
    return true;
}

enum path_result path_resolve(struct slice encoded, struct path *path) {
    enum path_result result = decode(encoded, path);
    if (result != PATH_READY)
        return result;
    return normalise(path) ? PATH_READY : PATH_BAD;
}

bool path_of_name(struct slice name, struct path *path) {
    if (name.size > PATH_BYTES_MAX)
        return false;
    memcpy(path->bytes, name.at, name.size);
    path->size = name.size;
    return normalise(path);
}

// RFC 3986, section 2.3, and those of section 3.3 that mean nothing more in a path.
static bool needs_no_escape(char letter) {
    if (is_digit(letter) || (to_lower(letter) >= 'a' && to_lower(letter) <= 'z'))
        return true;
    for (const char *plain = "-._~/!$&'()*+,;=:@"; *plain != '\0'; plain++)
        if (letter == *plain)
            return true;
    return false;
}

size_t path_encode(const struct path *path, char *to, size_t room) {
    size_t size = 0;
    if (room == 0)
        return 0;
    to[size++] = '/';
    for (size_t i = 0; i < path->size; i++) {
        char letter = path->bytes[i];
        if (room - size < 3)
            return 0;
        if (needs_no_escape(letter)) {
            to[size++] = letter;
            continue;
        }
        to[size++] = '%';
        to[size++] = "0123456789ABCDEF"[(uint8_t)letter >> 4];
        to[size++] = "0123456789ABCDEF"[(uint8_t)letter & 15];
    }
    return size;
}
