#include "servers/httpd/response.h"
#include "servers/httpd/server.h"

#define BACKLOG 512

// ---- the end of a connection -------------------------------------------------------------------------------------

static void stop_timer(struct connection *connection) {
    if (connection->is_timed)
        serve_timer_stop(&connection->timer);
    connection->is_timed = false;
}

static void close_connection(struct connection *connection) {
    stop_timer(connection);
    connection->is_over = true;
    serve_tcp_close(connection->tcp);
}

static void abort_connection(struct connection *connection) {
    stop_timer(connection);
    connection->is_over = true;
    serve_tcp_abort(connection->tcp);
}

// ---- time --------------------------------------------------------------------------------------------------------

static void on_timer(struct serve_timer *timer, void *user) {
    struct connection *connection = user;
    (void)timer;
    connection->is_timed = false;
    response_tick(connection->server);
    bool is_answered = connection->body.state != BODY_ENDED;
    if (is_answered || response_refuse(connection, 408))
        close_connection(connection);
    else
        abort_connection(connection);
}

static void start_timer(struct connection *connection) {
    if (connection->is_timed)
        return;
    connection->is_timed = true;
    serve_timer_start(&connection->timer, connection->server->request_ns, on_timer, connection);
}

// ---- reading and answering ---------------------------------------------------------------------------------------

// What a connection waits for, when there is no more to do.
enum waits_for {
    FOR_INPUT,   // nothing has begun
    FOR_REST,    // of a request that has begun
    FOR_ROOM,    // to send
    FOR_NOTHING, // it is over
};

// Answers the request at the start of `bytes`, whose head takes `head_bytes` of them. False: see `waits_for`.
static bool answer(struct connection *connection, const uint8_t *bytes, size_t bytes_count, size_t *head_bytes,
                   enum waits_for *waits_for) {
    struct request request;
    int status = request_parse(&request, bytes, bytes_count);
    *head_bytes = request.head_bytes;
    *waits_for = status == REQUEST_MORE ? FOR_REST : FOR_ROOM;
    if (status == REQUEST_MORE)
        return false;
    if (status == REQUEST_READY && request.body_bytes > BODY_BYTES_MAX)
        status = 413;
    if (status != REQUEST_READY)
        return response_refuse(connection, status);
    if (!response_begin(connection, &request))
        return false;
    stop_timer(connection);
    body_begin(&connection->body, &request);
    return true;
}

static size_t drop_body(struct connection *connection, const uint8_t *bytes, size_t bytes_count) {
    if (connection->body.state == BODY_ENDED)
        return 0;
    size_t dropped = body_drop(&connection->body, bytes, bytes_count);
    if (connection->body.state == BODY_ENDED)
        stop_timer(connection);
    return dropped;
}

// Goes on with what was begun, then with the requests in `bytes`, until something is missing. `used` counts what was
// taken.
static enum waits_for proceed(struct connection *connection, const uint8_t *bytes, size_t bytes_count, size_t *used) {
    for (*used = 0;;) {
        *used += drop_body(connection, bytes + *used, bytes_count - *used);
        if (!response_continue(connection)) {
            abort_connection(connection);
            return FOR_NOTHING;
        }
        if (is_sending(connection))
            return FOR_ROOM;
        if (connection->is_closing || connection->body.state == BODY_BROKEN) {
            close_connection(connection);
            return FOR_NOTHING;
        }
        if (connection->body.state != BODY_ENDED)
            return FOR_REST;
        if (*used == bytes_count)
            return FOR_INPUT;
        size_t head_bytes;
        enum waits_for waits_for;
        if (!answer(connection, bytes + *used, bytes_count - *used, &head_bytes, &waits_for))
            return waits_for;
        *used += head_bytes;
    }
}

// After the peer's end there is no rest to wait for; before it, not for ever.
static void wait_for(struct connection *connection, enum waits_for waits_for) {
    bool needs_input = waits_for == FOR_INPUT || waits_for == FOR_REST;
    connection->needs_input = needs_input;
    if (needs_input && connection->at_eof)
        close_connection(connection);
    else if (waits_for == FOR_REST)
        start_timer(connection);
}

static size_t on_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t bytes_count) {
    struct connection *connection = serve_tcp_user(tcp);
    size_t used;
    if (connection->is_over)
        return bytes_count;
    response_tick(connection->server);
    wait_for(connection, proceed(connection, bytes, bytes_count, &used));
    connection->unread = bytes_count - used;
    return connection->is_over || connection->is_closing ? bytes_count : used;
}

static void on_writable(struct serve_tcp *tcp) {
    struct connection *connection = serve_tcp_user(tcp);
    size_t used;
    if (connection->is_over)
        return;
    response_tick(connection->server);
    enum waits_for waits_for = proceed(connection, (const uint8_t *)"", 0, &used);
    if (waits_for == FOR_INPUT && connection->unread > 0)
        serve_tcp_resume(tcp);
    else
        wait_for(connection, waits_for);
}

static void on_eof(struct serve_tcp *tcp) {
    struct connection *connection = serve_tcp_user(tcp);
    connection->at_eof = true;
    if (connection->needs_input && !connection->is_over)
        close_connection(connection);
}

// ---- connections -------------------------------------------------------------------------------------------------

static void on_open(struct serve_tcp *tcp) {
    static const char too_many[] = "HTTP/1.1 503 Service Unavailable\r\n" SERVER_LINE
                                   "Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct server *server = serve_tcp_user(tcp);
    struct connection *connection = server->free;
    serve_tcp_set_user(tcp, connection);
    if (connection == NULL) {
        serve_tcp_send(tcp, too_many, sizeof too_many - 1);
        serve_tcp_close(tcp);
        return;
    }
    server->free = connection->next;
    *connection = (struct connection){.tcp = tcp, .server = server, .needs_input = true};
    serve_tcp_set_idle_timeout(tcp, server->idle_ns);
}

static void on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    struct connection *connection = serve_tcp_user(tcp);
    (void)reason;
    if (connection == NULL)
        return;
    stop_timer(connection);
    connection->next = connection->server->free;
    connection->server->free = connection;
}

bool server_start(struct server *server, struct connection *connections, uint32_t connections_count, uint16_t port) {
    static const struct serve_tcp_callbacks callbacks = {.on_open = on_open,
                                                         .on_data = on_data,
                                                         .on_eof = on_eof,
                                                         .on_writable = on_writable,
                                                         .on_closed = on_closed};
    server->free = NULL;
    server->date_until_ns = 0;
    for (uint32_t i = connections_count; i > 0; i--) {
        connections[i - 1].next = server->free;
        server->free = &connections[i - 1];
    }
    return serve_tcp_listen(port, BACKLOG, &callbacks, server);
}
