#include "servers/dnsd/server.h"

#define BACKLOG 128
#define QUERY_BYTES_MAX 4096 // over TCP: no query that is answered needs more

static uint8_t response[2 + TCP_BYTES_MAX]; // behind its size, as TCP has it; of the callback that runs

static void on_datagram(struct serve_udp *udp, const struct serve_address *peer, const uint8_t *bytes,
                        size_t bytes_count, void *user) {
    const struct server *server = user;
    struct transport transport = {.udp_bytes = server->udp_bytes};
    size_t size = peer->port == 0 ? 0 : answer(&server->zone, &transport, bytes, bytes_count, response + 2);
    if (size > 0)
        serve_udp_send(udp, peer, response + 2, size);
}

// ---- TCP (RFC 7766) ----------------------------------------------------------------------------------------------

static void close_connection(struct serve_tcp *tcp, struct connection *connection) {
    connection->is_over = true;
    serve_tcp_close(tcp);
}

// Answers one message. False: not all of the response could be sent. The message is to be left unread then: its
// response is made again, the same, when there is room for the rest.
static bool answer_message(struct serve_tcp *tcp, struct connection *connection, const uint8_t *message, size_t size) {
    const struct server *server = connection->server;
    struct transport transport = {.is_tcp = true, .udp_bytes = server->udp_bytes};
    size_t response_size = answer(&server->zone, &transport, message, size, response + 2);
    if (response_size == 0)
        return true;
    store_be16(response, (uint16_t)response_size);
    size_t left = 2 + response_size - connection->sent;
    size_t sent = serve_tcp_send(tcp, response + connection->sent, left);
    connection->is_waiting = sent < left;
    connection->sent = connection->is_waiting ? connection->sent + sent : 0;
    return !connection->is_waiting;
}

static size_t on_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t bytes_count) {
    struct connection *connection = serve_tcp_user(tcp);
    size_t used = 0;
    if (connection->is_over)
        return bytes_count;
    connection->is_waiting = false;
    while (bytes_count - used >= 2) {
        size_t size = load_be16(bytes + used);
        if (size > QUERY_BYTES_MAX) {
            close_connection(tcp, connection);
            return bytes_count;
        }
        if (bytes_count - used - 2 < size || !answer_message(tcp, connection, bytes + used + 2, size))
            break;
        used += 2 + size;
    }
    if (connection->at_eof && !connection->is_waiting)
        close_connection(tcp, connection);
    return used;
}

static void on_eof(struct serve_tcp *tcp) {
    struct connection *connection = serve_tcp_user(tcp);
    connection->at_eof = true;
    if (!connection->is_waiting && !connection->is_over)
        close_connection(tcp, connection);
}

static void on_open(struct serve_tcp *tcp) {
    struct server *server = serve_tcp_user(tcp);
    struct connection *connection = server->free;
    serve_tcp_set_user(tcp, connection);
    if (connection == NULL) {
        serve_tcp_abort(tcp);
        return;
    }
    server->free = connection->next;
    *connection = (struct connection){.server = server};
    serve_tcp_set_idle_timeout(tcp, server->idle_ns);
}

static void on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    struct connection *connection = serve_tcp_user(tcp);
    (void)reason;
    if (connection == NULL)
        return;
    connection->next = connection->server->free;
    connection->server->free = connection;
}

bool server_start(struct server *server, struct connection *connections, uint32_t connections_count, uint16_t port) {
    static const struct serve_tcp_callbacks callbacks = {.on_open = on_open,
                                                         .on_data = on_data,
                                                         .on_eof = on_eof,
                                                         .on_writable = serve_tcp_resume,
                                                         .on_closed = on_closed};
    server->free = NULL;
    for (uint32_t i = connections_count; i > 0; i--) {
        connections[i - 1].next = server->free;
        server->free = &connections[i - 1];
    }
    return serve_udp_bind(port, on_datagram, server) != NULL && serve_tcp_listen(port, BACKLOG, &callbacks, server);
}
