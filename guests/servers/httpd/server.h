// The web server: its limits, and what all connections share.
#ifndef SERVER_H
#define SERVER_H

#include "serve.h"
#include "servers/httpd/body.h"
#include "servers/httpd/content.h"
#include "servers/httpd/date.h"

#define SERVER_LINE "Server: skiff\r\n"

struct server {
    struct content content;
    struct connection *free; // connections not in use
    uint64_t idle_ns;        // a connection's longest silence
    uint64_t request_ns;     // longest time for a request to come whole

    uint64_t now_s;         // wall clock
    uint64_t date_until_ns; // monotonic time of the next second
    char date_lines[sizeof SERVER_LINE - 1 + sizeof "Date: \r\n" - 1 + DATE_BYTES]; // Server and Date, with their CR LF
};

struct connection;

// Serves the content, which must have been opened, on `port`, to as many connections at once as there are; one more is
// answered with 503. False: the port is taken. serve_init() comes before.
bool server_start(struct server *server, struct connection *connections, uint32_t connections_count, uint16_t port);

// One connection: a request's content to drop, a response to send, or neither and the next head to come.
struct connection {
    struct serve_tcp *tcp;
    struct server *server;
    struct connection *next; // when free
    struct serve_timer timer; // runs while a request comes in pieces
    bool is_timed;
    bool needs_input; // else it waits for room to send, or for nothing
    bool at_eof;      // the peer sends no more
    bool is_closing;  // nothing more is read, and the connection closes with the response's end
    bool is_over;     // closed or aborted here: only on_closed comes
    size_t unread;    // bytes that were offered and left
    struct body body; // of the request, not looked at by anyone
    const struct file *file; // of the response
    uint64_t next_byte, end_byte; // of the file, still to send
};

static inline bool is_sending(const struct connection *connection) {
    return connection->next_byte < connection->end_byte;
}

#endif
