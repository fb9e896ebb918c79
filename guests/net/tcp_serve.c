// The application's calls on connections.
#include "net/tcp.h"

static uint32_t room_of(const struct serve_tcp *tcp) {
    if (tcp->fin_queued || tcp->released || tcp->state == TCP_CLOSED)
        return 0;
    uint32_t most = tcp->net->send_buffer_bytes;
    return tcp->send.count < most ? most - tcp->send.count : 0;
}

struct serve_tcp *net_tcp_connect(struct net *net, const struct serve_address *to,
                                  const struct serve_tcp_callbacks *callbacks, void *user) {
    if (to->port == 0 || ipv4_is_broadcast(net, to->ipv4) || !ipv4_has_route(net, to->ipv4))
        return NULL;
    uint16_t port = tcp_choose_port(net, to);
    struct serve_tcp *tcp = port != 0 ? tcp_create(net, to->ipv4, to->port, port) : NULL;
    if (!tcp)
        return NULL;
    tcp->known = true;
    tcp->callbacks = callbacks;
    tcp->user = user;
    tcp->state = TCP_SYN_SENT;
    tcp_send_syn(tcp);
    return tcp;
}

// Remembers that the application waits for room; or for memory, when there was room.
static void want_writable(struct serve_tcp *tcp, bool starved) {
    if (tcp->fin_queued || tcp->released || tcp->state == TCP_CLOSED)
        return;
    tcp->wants_writable = true;
    if (starved)
        list_append(&tcp->net->tcp.starved, &tcp->waiting);
}

void tcp_tell_writable(struct serve_tcp *tcp) {
    if (!tcp->wants_writable || room_of(tcp) < tcp->net->send_buffer_bytes / 4)
        return;
    tcp->wants_writable = false;
    if (tcp->callbacks->on_writable)
        tcp->callbacks->on_writable(tcp);
}

// What the send buffer's memory still takes.
static uint32_t capacity_left(const struct serve_tcp *tcp) {
    return tcp->send.capacity - tcp->send.count;
}

// A quarter of the memory is for receiving alone. Else two guests, full of what they want to tell each other, could
// neither of them listen.
static bool may_grow(const struct serve_tcp *tcp) {
    return tcp->net->pool.units_free > tcp->net->pool.units / 4;
}

// Room in one piece in the send buffer, or NULL.
static uint8_t *room_for(struct serve_tcp *tcp, uint32_t count) {
    if (count > capacity_left(tcp) && !may_grow(tcp))
        return NULL;
    return byte_queue_reserve(&tcp->send, &tcp->net->pool, 0, count);
}

size_t serve_tcp_send(struct serve_tcp *tcp, const void *bytes, size_t bytes_count) {
    uint32_t room = room_of(tcp), count = bytes_count < room ? (uint32_t)bytes_count : room;
    uint8_t *to = count > 0 ? room_for(tcp, count) : NULL;
    bool starved = count > 0 && !to;
    if (starved) {
        count = capacity_left(tcp);
        to = count > 0 ? room_for(tcp, count) : NULL;
    }
    if (to) {
        memcpy(to, bytes, count);
        serve_tcp_commit(tcp, count);
    }
    if (count < bytes_count)
        want_writable(tcp, starved);
    return count;
}

uint8_t *serve_tcp_reserve(struct serve_tcp *tcp, size_t bytes_count) {
    bool fits = room_of(tcp) >= bytes_count;
    uint8_t *bytes = fits ? room_for(tcp, (uint32_t)bytes_count) : NULL;
    if (!bytes)
        want_writable(tcp, fits);
    return bytes;
}

void serve_tcp_commit(struct serve_tcp *tcp, size_t bytes_count) {
    byte_queue_extend(&tcp->send, (uint32_t)bytes_count);
    if (tcp->send.count == 0)
        byte_queue_release(&tcp->send, &tcp->net->pool); // it was reserved for nothing
    else
        tcp_mark_dirty(tcp);
}

size_t serve_tcp_room(const struct serve_tcp *tcp) {
    return room_of(tcp);
}

void serve_tcp_resume(struct serve_tcp *tcp) {
    if ((tcp->receive.count == 0 && !tcp->in_on_data) || tcp->released || tcp->state == TCP_CLOSED)
        return;
    tcp->resume_due = true;
    list_append(&tcp->net->tcp.events, &tcp->events);
}

void serve_tcp_shutdown(struct serve_tcp *tcp) {
    if (tcp->fin_queued || tcp->state == TCP_CLOSED)
        return;
    tcp->fin_queued = true;
    tcp->wants_writable = false;
    if (tcp->state == TCP_ESTABLISHED)
        tcp->state = TCP_FIN_WAIT_1;
    else if (tcp->state == TCP_CLOSE_WAIT)
        tcp->state = TCP_LAST_ACK;
    tcp_mark_dirty(tcp);
}

void serve_tcp_close(struct serve_tcp *tcp) {
    if (tcp->released || tcp->state == TCP_CLOSED)
        return;
    tcp->released = true;
    tcp->progress_ns = tcp->net->now_ns;
    serve_tcp_shutdown(tcp);
    tcp->gapped.count = 0;
    if (!tcp->in_on_data)
        byte_queue_release(&tcp->receive, &tcp->net->pool);
    if (tcp->state == TCP_FIN_WAIT_2)
        wheel_start(&tcp->net->wheel, &tcp->retransmit_timer, tcp->net->now_ns + TCP_LINGER_NS);
    tcp_end_if_read(tcp);
}

static void abort_for(struct serve_tcp *tcp, enum serve_closed reason) {
    if (tcp->state > TCP_SYN_SENT && tcp->state != TCP_TIME_WAIT)
        tcp_send_reset(tcp);
    tcp_drop(tcp, reason);
}

void serve_tcp_abort(struct serve_tcp *tcp) {
    if (tcp->state != TCP_CLOSED)
        abort_for(tcp, SERVE_CLOSED_ABORTED);
}

void tcp_close_idle(struct serve_tcp *tcp) {
    tcp->idle_timeout_ns = 0;
    tcp->timed_out = true;
    if (tcp->snd.una == tcp->snd.max && tcp->send.count == 0)
        serve_tcp_close(tcp);
    else
        abort_for(tcp, SERVE_CLOSED_TIMEOUT);
}

void *serve_tcp_user(const struct serve_tcp *tcp) {
    return tcp->user;
}

void serve_tcp_set_user(struct serve_tcp *tcp, void *user) {
    tcp->user = user;
}

void serve_tcp_set_idle_timeout(struct serve_tcp *tcp, uint64_t idle_timeout_ns) {
    tcp->idle_timeout_ns = idle_timeout_ns;
    if (tcp->state >= TCP_ESTABLISHED && tcp->state != TCP_TIME_WAIT)
        tcp_start_idle_timer(tcp);
}

void serve_tcp_set_nodelay(struct serve_tcp *tcp, bool nodelay) {
    tcp->nagle = !nodelay;
    if (nodelay && tcp->state != TCP_CLOSED)
        tcp_mark_dirty(tcp);
}

void serve_tcp_set_keepalive(struct serve_tcp *tcp, uint64_t idle_ns) {
    tcp->keepalive_ns = idle_ns;
    tcp->keepalive_probes = 0;
    if (tcp->state >= TCP_ESTABLISHED && tcp->state != TCP_TIME_WAIT)
        tcp_start_idle_timer(tcp);
}

struct serve_address serve_tcp_peer(const struct serve_tcp *tcp) {
    return (struct serve_address){.ipv4 = tcp->peer_ipv4, .port = tcp->peer_port};
}
