// Preconditions (RFC 9110, section 13) and ranges (section 14) of a request for a file.
#ifndef CONDITION_H
#define CONDITION_H

#include "servers/httpd/content.h"
#include "servers/httpd/request.h"

struct part {
    uint64_t start, end; // of the file; end is behind the last byte
};

// Returns 200, 206 (`part` says what of it), 304, 412 or 416. Several ranges at once are answered with the whole file,
// as section 14.2 allows: nobody can make the server send a file many times over.
int condition_check(const struct request *request, const struct file *file, uint64_t now_s, struct part *part);

#endif
