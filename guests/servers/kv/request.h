// Requests as they come over the wire, in RESP or as one line of words.
#ifndef KV_REQUEST_H
#define KV_REQUEST_H

#include "servers/kv/bytes.h"

struct command;

struct request {
    struct bytes *words; // valid as long as the bytes they were read from, and until the next request is read
    uint32_t count;      // 0: an empty request, to be passed over
    struct bytes raw;    // the bytes it was read from
    bool is_line;        // not in RESP
    const struct command *command;
};

enum request_state { REQUEST_WHOLE, REQUEST_PART, REQUEST_WRONG };

#define REQUEST_BULK_MAX (512ll << 20)
#define REQUEST_WORDS_MAX (1ll << 20)

// How far a request that is not there as a whole has been looked through, so that none of it is looked at twice. All zero
// for the next request.
struct request_progress {
    size_t checked; // bytes
    uint64_t left;  // words behind those
    size_t needed;  // bytes of the request, below which another look is of no use
    size_t least;   // bytes that the whole request has at least
};

// Reads the request that `bytes` begins with. REQUEST_WRONG: `*error` receives a line that says why, without its "ERR ".
enum request_state request_read(struct bytes bytes, struct request_progress *progress, struct request *request,
                                const char **error);

#endif
