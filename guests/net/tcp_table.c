#include "net/siphash.h"
#include "net/tcp.h"

enum { EPHEMERAL_FIRST = 49152, EPHEMERAL_COUNT = 65536 - EPHEMERAL_FIRST }; // RFC 6335 6

static uint64_t hash(const struct net *net, enum tcp_hash purpose, uint32_t peer_ipv4, uint16_t peer_port,
                     uint16_t port) {
    uint64_t words[] = {(uint64_t)peer_ipv4 << 32 | (uint32_t)peer_port << 16 | port, purpose};
    return siphash(net->secret, words, COUNT_OF(words));
}

static struct serve_tcp **bucket_of(struct net *net, uint32_t peer_ipv4, uint16_t peer_port, uint16_t port) {
    return &net->tcp.buckets[hash(net, TCP_HASH_BUCKET, peer_ipv4, peer_port, port) & net->tcp.bucket_mask];
}

bool tcp_init(struct net *net, struct arena *arena) {
    uint32_t connections_max = net->connections_max;
    struct tcp_table *table = &net->tcp;
    uint32_t bucket_count = 16;
    while (bucket_count < connections_max && bucket_count < 1u << 20)
        bucket_count *= 2;
    size_t buckets_bytes = bucket_count * sizeof table->buckets[0];
    table->buckets = arena_take(arena, buckets_bytes, 16);
    struct serve_tcp *connections = arena_take(arena, connections_max * sizeof *connections, 16);
    table->passing = arena_take(arena, sizeof *table->passing, 16);
    if (!table->buckets || !connections || !table->passing)
        return false;
    memset(table->buckets, 0, buckets_bytes);
    table->bucket_mask = bucket_count - 1;
    for (uint32_t i = connections_max; i-- > 0;) {
        connections[i].state = TCP_CLOSED;
        connections[i].next = table->free;
        table->free = &connections[i];
    }
    list_init(&table->dirty);
    list_init(&table->events);
    list_init(&table->starved);
    list_init(&table->time_wait);
    return true;
}

struct serve_tcp *tcp_find(struct net *net, uint32_t peer_ipv4, uint16_t peer_port, uint16_t port) {
    struct serve_tcp *tcp = *bucket_of(net, peer_ipv4, peer_port, port);
    while (tcp && !(tcp->peer_ipv4 == peer_ipv4 && tcp->peer_port == peer_port && tcp->port == port))
        tcp = tcp->next;
    return tcp;
}

struct tcp_listener *tcp_find_listener(struct net *net, uint16_t port) {
    for (struct tcp_listener *listener = net->tcp.listeners; listener < net->tcp.listeners + TCP_LISTENERS_MAX;
         listener++)
        if (listener->callbacks && listener->port == port)
            return listener;
    return NULL;
}

// Ends the connection that is in TIME_WAIT for the longest time and has no callback due.
static void recycle_time_wait(struct net *net) {
    for (struct list *node = net->tcp.time_wait.next; node != &net->tcp.time_wait; node = node->next) {
        struct serve_tcp *tcp = LIST_OWNER(node, struct serve_tcp, waiting);
        if (tcp->known)
            continue;
        tcp_drop(tcp, SERVE_CLOSED_DONE);
        return;
    }
}

void tcp_start_sequence(struct serve_tcp *tcp, sequence iss) {
    tcp->snd.iss = tcp->snd.una = tcp->snd.nxt = tcp->snd.max = iss;
    tcp->snd.begin = iss + 1;
}

void tcp_prepare(struct serve_tcp *tcp, struct net *net, uint32_t peer_ipv4, uint16_t peer_port, uint16_t port) {
    memset(tcp, 0, sizeof *tcp);
    tcp->net = net;
    tcp->peer_ipv4 = peer_ipv4;
    tcp->peer_port = peer_port;
    tcp->port = port;
    list_init(&tcp->dirty);
    list_init(&tcp->events);
    list_init(&tcp->waiting);
    // RFC 6528 3: a clock of 4 microseconds, moved by a secret offset for each pair of addresses and ports.
    sequence clock = (sequence)(net->now_ns >> 12);
    tcp_start_sequence(tcp, clock + (sequence)hash(net, TCP_HASH_SEQUENCE, peer_ipv4, peer_port, port));
    tcp->snd.mss = TCP_MSS_DEFAULT;
    tcp->timestamp_offset = (uint32_t)hash(net, TCP_HASH_TIMESTAMP, peer_ipv4, peer_port, port);
    tcp->rto_us = TCP_RTO_INITIAL_US;
    tcp->ssthresh = UINT32_MAX;
    tcp->heard_ns = tcp->progress_ns = tcp->sent_ns = net->now_ns;
    // The smallest shift with which the header's 16 bits can tell the whole buffer (RFC 7323 2.3).
    while (net->receive_buffer_bytes >> tcp->rcv.scale > UINT16_MAX)
        tcp->rcv.scale++;
    tcp_timers_init(tcp);
}

struct serve_tcp *tcp_create(struct net *net, uint32_t peer_ipv4, uint16_t peer_port, uint16_t port) {
    if (!net->tcp.free)
        recycle_time_wait(net);
    struct serve_tcp *tcp = net->tcp.free;
    if (!tcp)
        return NULL;
    net->tcp.free = tcp->next;
    tcp_prepare(tcp, net, peer_ipv4, peer_port, port);
    struct serve_tcp **bucket = bucket_of(net, peer_ipv4, peer_port, port);
    tcp->next = *bucket;
    *bucket = tcp;
    return tcp;
}

uint16_t tcp_choose_port(struct net *net, const struct serve_address *to) {
    uint32_t offset = (uint32_t)hash(net, TCP_HASH_PORT, to->ipv4, to->port, 0);
    for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
        uint16_t port = (uint16_t)(EPHEMERAL_FIRST + (offset + net->tcp.ephemeral_count++) % EPHEMERAL_COUNT);
        if (!tcp_find(net, to->ipv4, to->port, port))
            return port;
    }
    return 0;
}

static void release(struct serve_tcp *tcp) {
    tcp->next = tcp->net->tcp.free;
    tcp->net->tcp.free = tcp;
}

static void leave_table(struct serve_tcp *tcp) {
    struct serve_tcp **at = bucket_of(tcp->net, tcp->peer_ipv4, tcp->peer_port, tcp->port);
    while (*at != tcp)
        at = &(*at)->next;
    *at = tcp->next;
}

static void drop_buffers(struct serve_tcp *tcp) {
    struct pool *pool = &tcp->net->pool;
    byte_queue_release(&tcp->send, pool);
    tcp->gapped.count = tcp->sacked.count = 0;
    if (!tcp->in_on_data)
        byte_queue_release(&tcp->receive, pool);
}

static void owe_on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    if (tcp->closed_due)
        return;
    tcp->closed_due = true;
    tcp->closed_reason = (uint8_t)(tcp->timed_out && reason == SERVE_CLOSED_DONE ? SERVE_CLOSED_TIMEOUT : reason);
    list_append(&tcp->net->tcp.events, &tcp->events);
}

void tcp_drop(struct serve_tcp *tcp, enum serve_closed reason) {
    if (tcp->state == TCP_CLOSED)
        return;
    if (tcp->listener)
        tcp->listener->half_open--;
    tcp->listener = NULL;
    leave_table(tcp);
    tcp_timers_stop(tcp);
    list_remove(&tcp->dirty);
    list_remove(&tcp->waiting);
    drop_buffers(tcp);
    tcp->state = TCP_CLOSED;
    if (tcp->known) {
        owe_on_closed(tcp, reason);
    } else {
        list_remove(&tcp->events);
        release(tcp);
    }
}

void tcp_enter_time_wait(struct serve_tcp *tcp) {
    tcp->state = TCP_TIME_WAIT;
    list_remove(&tcp->waiting);
    list_append(&tcp->net->tcp.time_wait, &tcp->waiting);
    tcp_timers_stop(tcp);
    wheel_start(&tcp->net->wheel, &tcp->retransmit_timer, tcp->net->now_ns + TCP_TIME_WAIT_NS);
    tcp_end_if_read(tcp);
}

void tcp_end_if_read(struct serve_tcp *tcp) {
    if (tcp->state == TCP_TIME_WAIT && tcp->known && (tcp->released || tcp->receive.count == 0))
        owe_on_closed(tcp, SERVE_CLOSED_DONE);
}

// In TIME_WAIT only the addresses stay, for late segments.
static void call_on_closed(struct serve_tcp *tcp) {
    tcp->closed_due = tcp->known = false;
    tcp->released = true;
    if (tcp->callbacks->on_closed)
        tcp->callbacks->on_closed(tcp, (enum serve_closed)tcp->closed_reason);
    if (tcp->state == TCP_CLOSED)
        release(tcp);
}

static void call_events(struct serve_tcp *tcp) {
    if (tcp->closed_due) {
        call_on_closed(tcp);
        return;
    }
    if (tcp->writable_due) {
        tcp->writable_due = false;
        tcp_tell_writable(tcp);
    }
    if (tcp->resume_due && tcp->state != TCP_CLOSED) {
        tcp->resume_due = false;
        tcp_deliver(tcp);
    }
}

void tcp_call_events(struct net *net) {
    struct tcp_table *table = &net->tcp;
    if (table->starved_returns != net->pool.returns) {
        table->starved_returns = net->pool.returns;
        struct list starved;
        list_take_all(&starved, &table->starved);
        while (!list_is_empty(&starved)) {
            struct serve_tcp *tcp = LIST_OWNER(starved.next, struct serve_tcp, waiting);
            list_remove(&tcp->waiting);
            tcp->writable_due = true;
            list_append(&table->events, &tcp->events);
        }
    }
    struct list due;
    list_take_all(&due, &table->events);
    while (!list_is_empty(&due)) {
        struct serve_tcp *tcp = LIST_OWNER(due.next, struct serve_tcp, events);
        list_remove(&tcp->events);
        call_events(tcp);
    }
}

bool tcp_has_events(const struct net *net) {
    return !list_is_empty(&net->tcp.events);
}

void tcp_flush(struct net *net) {
    while (!list_is_empty(&net->tcp.dirty)) {
        struct serve_tcp *tcp = LIST_OWNER(net->tcp.dirty.next, struct serve_tcp, dirty);
        list_remove(&tcp->dirty);
        tcp_output(tcp);
    }
}

bool net_tcp_listen(struct net *net, uint16_t port, uint32_t backlog, const struct serve_tcp_callbacks *callbacks,
                    void *user) {
    if (port == 0 || tcp_find_listener(net, port))
        return false;
    if (backlog == 0)
        backlog = (net->connections_max + 1) / 2;
    for (struct tcp_listener *listener = net->tcp.listeners; listener < net->tcp.listeners + TCP_LISTENERS_MAX;
         listener++) {
        if (listener->callbacks)
            continue;
        *listener = (struct tcp_listener){
            .callbacks = callbacks, .user = user, .port = port, .backlog = backlog};
        return true;
    }
    return false;
}
