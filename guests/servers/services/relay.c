// The client sends an address, a blank, a port and a line end; then it is joined with whom it named.
#include "servers/services/services.h"

enum { REQUEST_BYTES_MAX = 32 };

static const struct serve_tcp_callbacks onward;

static void on_open(struct serve_tcp *tcp) {
    connection_take(tcp);
}

// Cuts "10.0.0.1 7" into its two words.
static bool read_target(const char *text, size_t size, struct serve_address *target) {
    struct word word = {text, 0}, port_word;
    while (word.size < size && text[word.size] != ' ')
        word.size++;
    if (word.size == size)
        return false;
    port_word = (struct word){text + word.size + 1, size - word.size - 1};
    uint8_t bytes[4];
    unsigned bits;
    uint64_t port;
    if (!word_to_ipv4(word, bytes, &bits) || !word_to_u64(port_word, &port) || port == 0 || port > UINT16_MAX)
        return false;
    *target = (struct serve_address){load_be32(bytes), (uint16_t)port};
    return true;
}

static void join(struct connection *connection, const struct serve_address *target) {
    struct serve_tcp *tcp = serve_tcp_connect(target, &onward, NULL);
    if (tcp == NULL) {
        serve_tcp_abort(connection->tcp);
        return;
    }
    connection->other = connection_take(tcp);
    connection->other->other = connection;
}

static size_t read_request(struct connection *connection, const uint8_t *bytes, size_t count) {
    size_t size = 0;
    while (size < count && bytes[size] != '\n')
        size++;
    if (size == count && count < REQUEST_BYTES_MAX)
        return 0; // its end is still to come
    struct serve_address target;
    if (size < count && read_target((const char *)bytes, size, &target)) {
        join(connection, &target);
        return size + 1;
    }
    serve_tcp_abort(connection->tcp);
    return count;
}

// Passes on what there is room for; the end, when that was all.
static size_t on_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t count) {
    struct connection *connection = serve_tcp_user(tcp);
    size_t consumed = 0;
    if (connection->other == NULL)
        consumed = read_request(connection, bytes, count);
    if (connection->other != NULL)
        consumed += serve_tcp_send(connection->other->tcp, bytes + consumed, count - consumed);
    connection->keeps = consumed < count;
    if (connection->ended && !connection->keeps && connection->other != NULL)
        serve_tcp_shutdown(connection->other->tcp);
    return consumed;
}

static void on_eof(struct serve_tcp *tcp) {
    struct connection *connection = serve_tcp_user(tcp);
    connection->ended = true;
    if (connection->other == NULL)
        serve_tcp_close(tcp);
    else if (!connection->keeps)
        serve_tcp_shutdown(connection->other->tcp);
}

static void on_writable(struct serve_tcp *tcp) {
    struct connection *connection = serve_tcp_user(tcp);
    if (connection->other != NULL)
        serve_tcp_resume(connection->other->tcp);
}

static void on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    struct connection *connection = serve_tcp_user(tcp);
    if (connection->other != NULL) {
        connection->other->other = NULL;
        if (reason == SERVE_CLOSED_DONE)
            serve_tcp_close(connection->other->tcp);
        else
            serve_tcp_abort(connection->other->tcp);
    }
    connection_give(connection);
}

const struct serve_tcp_callbacks relay = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_writable = on_writable,
    .on_closed = on_closed,
};

static const struct serve_tcp_callbacks onward = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_writable = on_writable,
    .on_closed = on_closed,
};
