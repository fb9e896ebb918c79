#include "servers/kv/client.h"

#include "servers/kv/command.h"
#include "servers/kv/heap.h"
#include "servers/kv/reply.h"
#include "servers/kv/server.h"

// A request that needs more is put together in the heap, and the receive buffer stays free for what follows.
enum { IN_PLACE_MAX = 32768, LARGE_ROOM_MIN = 65536 };

#define KEEPALIVE_NS (300 * NS_PER_S)

struct client *clients, *client_now;
uint32_t clients_count;

static void on_open(struct serve_tcp *tcp) {
    struct client *client = heap_take(sizeof *client);
    serve_tcp_set_user(tcp, client);
    if (client == NULL) {
        serve_tcp_abort(tcp);
        return;
    }
    *client = (struct client){.tcp = tcp,
                              .next = clients,
                              .number = ++server.connections,
                              .opened_ns = serve_now_ns(),
                              .peer = serve_tcp_peer(tcp)};
    if (clients != NULL)
        clients->before = client;
    clients = client;
    clients_count++;
    serve_tcp_set_keepalive(tcp, KEEPALIVE_NS);
}

static void drop_large(struct client *client) {
    if (client->large != NULL)
        heap_give(client->large);
    client->large = NULL;
    client->large_bytes = client->large_room = 0;
}

static void on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    struct client *client = serve_tcp_user(tcp);
    (void)reason;
    if (client == NULL)
        return;
    *(client->before == NULL ? &clients : &client->before->next) = client->next;
    if (client->next != NULL)
        client->next->before = client->before;
    clients_count--;
    while (client->waiting != NULL) {
        struct waiting *piece = client->waiting;
        client->waiting = piece->next;
        heap_give(piece);
    }
    drop_large(client);
    heap_give(client);
}

static bool may_go_on(const struct client *client) {
    return client->waiting == NULL && !client->closing && !client->failed;
}

// Carries out what `bytes` begins with, as far as it is there and nothing has to wait; returns how many bytes that were.
static size_t serve_requests(struct client *client, struct bytes bytes) {
    struct bytes left = bytes;
    client_now = client;
    reply_begin(client);
    while (left.size > 0 && may_go_on(client)) {
        struct request request;
        const char *error;
        enum request_state state = request_read(left, &client->progress, &request, &error);
        if (state == REQUEST_PART)
            break;
        client->progress = (struct request_progress){0};
        if (state == REQUEST_WRONG) {
            reply_error("ERR %s", error);
            client->closing = true;
            break;
        }
        if (request.count > 0)
            command_run(&request);
        left.at += request.raw.size;
        left.size -= request.raw.size;
    }
    reply_end();
    client_now = NULL;
    return bytes.size - left.size;
}

// Makes room for twice of what has come, so that nobody takes memory by the promise of bytes alone.
static bool widen_large(struct client *client, size_t more) {
    size_t bytes = client->large_bytes + more;
    if (bytes <= client->large_room)
        return true;
    size_t room = bytes * 2 < LARGE_ROOM_MIN ? LARGE_ROOM_MIN : bytes * 2;
    if (bytes == client->progress.least)
        room = bytes;
    uint8_t *moved = client->large == NULL ? heap_take(room) : heap_resize(client->large, room);
    if (moved == NULL)
        return false;
    client->large = moved;
    client->large_room = room;
    return true;
}

// Takes the next bytes of a large request, no more than it is known to have, and carries it out when it is whole.
static size_t take_large(struct client *client, struct bytes bytes) {
    size_t wanted = client->progress.least - client->large_bytes;
    size_t part = bytes.size < wanted ? bytes.size : wanted;
    if (!widen_large(client, part)) {
        reply_begin(client);
        reply_no_memory();
        reply_end();
        client->closing = true;
        return part;
    }
    memcpy(client->large + client->large_bytes, bytes.at, part);
    client->large_bytes += part;
    if (client->large_bytes >= client->progress.needed &&
        serve_requests(client, (struct bytes){client->large, client->large_bytes}) == client->large_bytes)
        drop_large(client);
    return part;
}

static void close_if_done(struct client *client) {
    if (client->failed)
        serve_tcp_abort(client->tcp);
    else if (client->waiting == NULL && (client->closing || (client->ended && !client->unread)))
        serve_tcp_close(client->tcp);
}

static size_t on_data(struct serve_tcp *tcp, const uint8_t *at, size_t size) {
    struct client *client = serve_tcp_user(tcp);
    struct bytes bytes = {at, size};
    client->unread = client->waiting != NULL;
    if (client->closing || client->unread)
        return client->closing ? size : 0;
    server_tick();
    size_t used = 0;
    while (used < size && may_go_on(client)) {
        struct bytes left = {bytes.at + used, size - used};
        if (client->large == NULL && left.size >= client->progress.needed) {
            used += serve_requests(client, left);
            left = (struct bytes){bytes.at + used, size - used};
        }
        if (left.size == 0 || !may_go_on(client))
            break;
        if (client->large == NULL && client->progress.least <= IN_PLACE_MAX)
            break;
        used += take_large(client, left);
    }
    client->unread = used < size && client->waiting != NULL;
    close_if_done(client);
    return client->closing ? size : used;
}

static void on_eof(struct serve_tcp *tcp) {
    struct client *client = serve_tcp_user(tcp);
    client->ended = true;
    close_if_done(client);
}

static void on_writable(struct serve_tcp *tcp) {
    struct client *client = serve_tcp_user(tcp);
    while (client->waiting != NULL) {
        struct waiting *piece = client->waiting;
        piece->sent += (uint32_t)serve_tcp_send(tcp, piece->at + piece->sent, piece->bytes - piece->sent);
        if (piece->sent < piece->bytes)
            return;
        client->waiting = piece->next;
        heap_give(piece);
    }
    client->last_waiting = NULL;
    if (client->unread && !client->closing)
        serve_tcp_resume(tcp);
    else
        close_if_done(client);
}

const struct serve_tcp_callbacks client_callbacks = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_writable = on_writable,
    .on_closed = on_closed,
};
