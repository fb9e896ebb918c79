// services: the small services of the Internet, to try a network with.
//   7   echo (RFC 862), over TCP and UDP
//   9   discard (RFC 863); when the client ends, it says how much it took, and from where on that was not the pattern,
//       if so: "SIZE\n" or "SIZE differs at OFFSET\n"
//   19  the pattern, without end (as RFC 864 has it, with other bytes)
//   20  the pattern: the client sends a number and a line end, gets as many bytes, and the end
//   21  a relay: the client sends an address, a blank, a port and a line end, and is joined with whom it named
// The pattern's byte at i: the top byte of i times 2654435761 in 32 bits, exclusive-or the lowest byte of i / 65536.
// Options are those of serve_init() (serve.h), and
//   --connections=1024   at once
#include "servers/services/services.h"

#define STACK_BYTES (64 * 1024)
#define CONNECTIONS_MAX 65536

static struct connection *free_connections;

struct connection *connection_take(struct serve_tcp *tcp) {
    struct connection *connection = free_connections;
    free_connections = connection->next;
    *connection = (struct connection){.tcp = tcp, .differs_at = UINT64_MAX};
    serve_tcp_set_user(tcp, connection);
    return connection;
}

void connection_give(struct connection *connection) {
    connection->next = free_connections;
    free_connections = connection;
}

static uint8_t pattern_byte(uint64_t at) {
    return (uint8_t)(((uint32_t)at * 2654435761u >> 24) ^ (uint32_t)(at >> 16));
}

static void on_open(struct serve_tcp *tcp) {
    connection_take(tcp);
}

static void on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    (void)reason;
    connection_give(serve_tcp_user(tcp));
}

// Echo ----------------------------------------------------------------------------------------------------------------

static size_t echo_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t count) {
    struct connection *connection = serve_tcp_user(tcp);
    size_t sent = serve_tcp_send(tcp, bytes, count);
    connection->keeps = sent < count;
    if (connection->ended && !connection->keeps)
        serve_tcp_close(tcp);
    return sent;
}

static void echo_eof(struct serve_tcp *tcp) {
    struct connection *connection = serve_tcp_user(tcp);
    connection->ended = true;
    if (!connection->keeps)
        serve_tcp_close(tcp);
}

static const struct serve_tcp_callbacks echo = {
    .on_open = on_open,
    .on_data = echo_data,
    .on_eof = echo_eof,
    .on_writable = serve_tcp_resume,
    .on_closed = on_closed,
};

static void echo_datagram(struct serve_udp *udp, const struct serve_address *peer, const uint8_t *bytes, size_t count,
                          void *user) {
    (void)user;
    serve_udp_send(udp, peer, bytes, count);
}

// Discard -------------------------------------------------------------------------------------------------------------

static size_t discard_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t count) {
    struct connection *connection = serve_tcp_user(tcp);
    for (size_t i = 0; i < count && connection->differs_at == UINT64_MAX; i++)
        if (bytes[i] != pattern_byte(connection->at + i))
            connection->differs_at = connection->at + i;
    connection->at += count;
    return count;
}

static void discard_eof(struct serve_tcp *tcp) {
    const struct connection *connection = serve_tcp_user(tcp);
    char text[64];
    size_t size = format_text(text, sizeof text, "%lu\n", (unsigned long)connection->at);
    if (connection->differs_at != UINT64_MAX)
        size = format_text(text, sizeof text, "%lu differs at %lu\n", (unsigned long)connection->at,
                           (unsigned long)connection->differs_at);
    serve_tcp_send(tcp, text, size);
    serve_tcp_close(tcp);
}

static const struct serve_tcp_callbacks discard = {
    .on_open = on_open,
    .on_data = discard_data,
    .on_eof = discard_eof,
    .on_closed = on_closed,
};

// The pattern ---------------------------------------------------------------------------------------------------------

static void send_pattern(struct serve_tcp *tcp) {
    struct connection *connection = serve_tcp_user(tcp);
    while (connection->at < connection->end) {
        uint64_t left = connection->end - connection->at;
        size_t size = left < SERVE_RESERVE_MAX ? (size_t)left : SERVE_RESERVE_MAX;
        uint8_t *bytes = serve_tcp_reserve(tcp, size);
        if (bytes == NULL)
            return; // on_writable follows
        for (size_t i = 0; i < size; i++)
            bytes[i] = pattern_byte(connection->at + i);
        serve_tcp_commit(tcp, size);
        connection->at += size;
    }
    serve_tcp_close(tcp);
}

static size_t read_request(struct serve_tcp *tcp, const uint8_t *bytes, size_t count) {
    struct connection *connection = serve_tcp_user(tcp);
    struct word word = {(const char *)bytes, 0};
    while (word.size < count && bytes[word.size] != '\n')
        word.size++;
    if (word.size == count && count < 32)
        return 0; // its end is still to come
    if (!word_to_u64(word, &connection->end))
        serve_tcp_abort(tcp);
    else
        send_pattern(tcp);
    return count;
}

static void on_endless_open(struct serve_tcp *tcp) {
    on_open(tcp);
    struct connection *connection = serve_tcp_user(tcp);
    connection->end = UINT64_MAX;
    send_pattern(tcp);
}

static void keep_open(struct serve_tcp *tcp) {
    (void)tcp;
}

static const struct serve_tcp_callbacks source = {
    .on_open = on_open,
    .on_data = read_request,
    .on_eof = keep_open,
    .on_writable = send_pattern,
    .on_closed = on_closed,
};

static const struct serve_tcp_callbacks endless = {
    .on_open = on_endless_open,
    .on_writable = send_pattern,
    .on_closed = on_closed,
};

int solo5_app_main(const struct solo5_start_info *info) {
    struct arena heap = arena_of(info, STACK_BYTES);
    uint64_t connections = 1024;
    struct word value;
    if (find_option(info->cmdline, "connections", &value)
        && (!word_to_u64(value, &connections) || connections < 1 || connections > CONNECTIONS_MAX))
        fail("--connections=%.*s is wrong: write a number from 1 to %u", (int)value.size, value.at, CONNECTIONS_MAX);
    struct connection *all = arena_take(&heap, connections * sizeof *all, _Alignof(struct connection));
    if (all == NULL)
        fail("no memory for %lu connections: give the guest more", (unsigned long)connections);
    for (uint64_t i = 0; i < connections; i++) {
        all[i].next = free_connections;
        free_connections = &all[i];
    }
    struct serve_config config = {
        .options = info->cmdline,
        .memory = (void *)heap.next,
        .memory_bytes = heap.end - heap.next,
        .connections_max = (uint32_t)connections,
    };
    if (!serve_init(&config))
        return SOLO5_EXIT_FAILURE;
    if (!serve_tcp_listen(7, 0, &echo, NULL) || serve_udp_bind(7, echo_datagram, NULL) == NULL
        || !serve_tcp_listen(9, 0, &discard, NULL) || !serve_tcp_listen(19, 0, &endless, NULL)
        || !serve_tcp_listen(20, 0, &source, NULL) || !serve_tcp_listen(21, 0, &relay, NULL))
        fail("the ports cannot be listened on");
    print("services: ready\n");
    return serve_run();
}
