#ifndef SERVICES_H
#define SERVICES_H

#include "kit.h"
#include "serve.h"

// What a service knows of a connection; each takes what it needs.
struct connection {
    struct connection *next; // of the free ones
    struct serve_tcp *tcp;
    bool ended; // the client's side
    bool keeps; // data that there was no room to send
    uint64_t at; // place in the pattern
    uint64_t end;
    uint64_t differs_at;      // UINT64_MAX: nowhere
    struct connection *other; // that it is joined with
};

// There are as many as serve_init() gives connections.
struct connection *connection_take(struct serve_tcp *tcp);
void connection_give(struct connection *connection);

extern const struct serve_tcp_callbacks relay;

#endif
