// Paths of URIs and names of files.
#ifndef PATH_H
#define PATH_H

#include "servers/httpd/slice.h"

#define PATH_BYTES_MAX 1024

enum path_result {
    PATH_READY,
    PATH_BAD,      // not well encoded, a NUL in it, or a ".." above the root
    PATH_TOO_LONG, // longer than any name that is served
};

struct path {
    size_t size;
    bool is_directory; // ends with "/", "/." or "/.."
    char bytes[PATH_BYTES_MAX];
};

// Decodes a URI's path and brings it to the form that names have here: parts joined by one '/', none of them empty, "."
// or "..", no '/' at either end; the root is empty. An encoded '/' parts as a plain one does, so that no encoding hides
// a "..".
enum path_result path_resolve(struct slice encoded, struct path *path);

// Brings a name of an archive to that form ("./a//b/" is "a/b"); false where it leaves the root or is too long.
bool path_of_name(struct slice name, struct path *path);

// Writes a path as a URI has it, with a '/' before it. Returns its size, 0 where it is longer than `room`.
size_t path_encode(const struct path *path, char *to, size_t room);

#endif
