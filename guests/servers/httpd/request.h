// The head of an HTTP/1.x request (RFC 9112), parsed where it lies.
//
// What the grammar forbids is refused, also where the RFC lets a recipient be lenient: a line ends with CR LF and
// nothing else, so that no other party can see another end.
#ifndef REQUEST_H
#define REQUEST_H

#include "servers/httpd/slice.h"

#define HEAD_BYTES_MAX 16384
#define METHOD_BYTES_MAX 32
#define TARGET_BYTES_MAX 4096
#define FIELDS_MAX 100

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_OPTIONS,
    METHOD_REFUSED, // known, for no resource here
    METHOD_UNKNOWN,
};

struct request {
    enum method method;
    uint8_t minor; // of the version: HTTP/1.minor
    bool keep_alive;
    bool expects_continue;
    bool chunked;
    bool conditional;  // has If-... or Range fields
    uint64_t body_bytes; // where not chunked
    struct slice path;   // as sent; "*" of OPTIONS
    struct slice query;  // behind the '?'; .at NULL: none
    struct slice fields; // all lines, well-formed, each with its CR LF
    size_t head_bytes;   // with the empty line

    // Private, for what may be said once or must agree.
    uint8_t hosts;
    bool has_length, has_coding, says_close, says_keep_alive;
};

#define REQUEST_MORE 0 // the head has not come whole
#define REQUEST_READY 200

// Parses the head at the start of `bytes`. Returns REQUEST_MORE, REQUEST_READY or the status to refuse it with, after
// which nothing can be known of what follows it on the connection.
int request_parse(struct request *request, const uint8_t *bytes, size_t bytes_count);

struct field {
    struct slice name, value;
};

// Cuts the next field off a well-formed `fields`; false at its end.
bool next_field(struct slice *fields, struct field *field);

#endif
