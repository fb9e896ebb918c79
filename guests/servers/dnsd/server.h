// The name server on UDP and TCP.
#ifndef SERVER_H
#define SERVER_H

#include "serve.h"
#include "servers/dnsd/answer.h"

struct connection {
    struct server *server;
    struct connection *next; // when free
    size_t sent;             // of the response to the first query unread
    bool is_waiting;         // for room to send the rest
    bool at_eof;             // the peer sends no more
    bool is_over;            // closed here: only on_closed comes
};

struct server {
    struct zone zone;
    uint16_t udp_bytes; // largest response over UDP
    uint64_t idle_ns;   // a connection's longest silence
    struct connection *free; // connections not in use
};

// Serves the zone on `port`, over TCP to as many connections at once as there are; serve_init() comes before. False:
// the port is taken.
bool server_start(struct server *server, struct connection *connections, uint32_t connections_count, uint16_t port);

#endif
