// One connection, and what it waits with.
#ifndef KV_CLIENT_H
#define KV_CLIENT_H

#include "serve.h"
#include "servers/kv/request.h"

// A piece of replies that found no room in the send buffer.
struct waiting {
    struct waiting *next;
    uint32_t bytes, sent, room;
    uint8_t at[];
};

enum { CLIENT_NAME_MAX = 64 };

struct client {
    struct serve_tcp *tcp;
    struct client *next, *before;
    struct waiting *waiting, *last_waiting;
    uint8_t *large; // a request too large for the receive buffer, as far as it came
    size_t large_bytes, large_room;
    struct request_progress progress; // with the next request
    uint64_t number;                  // the client's id
    uint64_t opened_ns;
    struct serve_address peer;
    bool unread;  // requests were left for later
    bool ended;   // the peer sends no more
    bool closing; // to be closed when everything waiting is sent
    bool failed;  // without memory for its replies: to be aborted
    uint8_t name_size;
    uint8_t name[CLIENT_NAME_MAX];
};

extern struct client *clients; // all of them
extern uint32_t clients_count;
extern struct client *client_now; // the one whose request is carried out; NULL: nobody's

extern const struct serve_tcp_callbacks client_callbacks;

#endif
