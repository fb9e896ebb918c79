// What connections read and write.
#include "serve/sockets/sockets.h"

enum { READS_MAX = 4 }; // of one connection in one batch

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// Reading -------------------------------------------------------------------------------------------------------------

static uint32_t offer(struct serve_tcp *tcp, const uint8_t *bytes, uint32_t count) {
    if (tcp->released || !tcp->callbacks->on_data)
        return count;
    tcp->in_on_data = true;
    size_t consumed = tcp->callbacks->on_data(tcp, bytes, count);
    tcp->in_on_data = false;
    return consumed > count || tcp->released || tcp->state == TCP_CLOSED ? count : (uint32_t)consumed;
}

static void tell_end(struct serve_tcp *tcp) {
    if (!tcp->ended || tcp->told_end)
        return;
    tcp->told_end = true;
    if (!tcp->released) {
        if (tcp->callbacks->on_eof)
            tcp->callbacks->on_eof(tcp);
        else
            serve_tcp_close(tcp);
    }
    tcp_drop_if_done(tcp);
}

void tcp_deliver(struct serve_tcp *tcp) {
    if (tcp->receive.count > 0) {
        uint32_t consumed = offer(tcp, byte_queue_front(&tcp->receive), tcp->receive.count);
        byte_queue_consume(&tcp->receive, &sockets.pool, consumed);
    }
    if (tcp->released || tcp->state == TCP_CLOSED)
        byte_queue_release(&tcp->receive, &sockets.pool);
    if (tcp->readable && tcp->state == TCP_OPEN)
        list_append(&sockets.events, &tcp->events);
    tcp_drop_if_done(tcp);
}

// Keeps bytes behind those that are kept. Bytes that are read cannot be left to the peer to send again: without memory
// for them the connection ends.
static void keep(struct serve_tcp *tcp, const uint8_t *bytes, uint32_t count) {
    if (byte_queue_place(&tcp->receive, &sockets.pool, 0, bytes, count))
        byte_queue_extend(&tcp->receive, count);
    else
        tcp_drop(tcp, SERVE_CLOSED_RESET);
}

static void receive(struct serve_tcp *tcp, const uint8_t *bytes, uint32_t count) {
    tcp->progress_ns = sockets.now_ns;
    if (tcp->receive.count == 0) {
        uint32_t consumed = offer(tcp, bytes, count);
        if (consumed < count)
            keep(tcp, bytes + consumed, count - consumed);
        return;
    }
    keep(tcp, bytes, count);
    tcp_deliver(tcp);
}

void tcp_read(struct serve_tcp *tcp) {
    for (int i = 0; i < READS_MAX && tcp->readable && tcp->state == TCP_OPEN; i++) {
        uint32_t most = sockets.options.receive_buffer_bytes;
        uint32_t room = most > tcp->receive.count ? least(most - tcp->receive.count, INPUT_BYTES) : 0;
        if (room == 0)
            return; // until the application consumes
        long count = linux_call(CALL_RECVFROM, tcp->source.fd, (long)sockets.input, room, 0, 0, 0);
        if (count > 0) {
            // epoll(7), question 9: less than was asked for is all there was, but for the end.
            if (count < (long)room && !tcp->hung_up)
                tcp->readable = false;
            receive(tcp, sockets.input, (uint32_t)count);
        } else if (count == 0) {
            tcp->readable = false;
            tcp->ended = true;
        } else if (count == ERROR_AGAIN) {
            tcp->readable = false;
        } else if (count != ERROR_INTERRUPTED) {
            tcp_drop(tcp, tcp_reason_of(count));
        }
    }
    if (tcp->readable && tcp->state == TCP_OPEN)
        list_append(&sockets.events, &tcp->events);
    if (tcp->state == TCP_OPEN)
        tell_end(tcp);
}

// Writing -------------------------------------------------------------------------------------------------------------

static uint32_t room_of(const struct serve_tcp *tcp) {
    if (tcp->fin_queued || tcp->state == TCP_CLOSED)
        return 0;
    uint32_t most = sockets.options.send_buffer_bytes;
    return tcp->send.count < most ? most - tcp->send.count : 0;
}

static uint32_t capacity_left(const struct serve_tcp *tcp) {
    return tcp->send.capacity - tcp->send.count;
}

// Room in one piece, or NULL. A quarter of the memory is for receiving alone.
static uint8_t *room_for(struct serve_tcp *tcp, uint32_t count) {
    if (count > capacity_left(tcp) && sockets.pool.units_free <= sockets.pool.units / 4)
        return NULL;
    return byte_queue_reserve(&tcp->send, &sockets.pool, 0, count);
}

static void want_writable(struct serve_tcp *tcp, bool starved) {
    if (tcp->fin_queued || tcp->state == TCP_CLOSED)
        return;
    tcp->wants_writable = true;
    if (starved)
        list_append(&sockets.starved, &tcp->starved);
}

void tcp_tell_writable(struct serve_tcp *tcp) {
    if (!tcp->wants_writable || room_of(tcp) < sockets.options.send_buffer_bytes / 4)
        return;
    tcp->wants_writable = false;
    if (tcp->callbacks->on_writable)
        tcp->callbacks->on_writable(tcp);
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
        byte_queue_release(&tcp->send, &sockets.pool); // it was reserved for nothing
    else
        list_append(&sockets.dirty, &tcp->dirty);
}

size_t serve_tcp_room(const struct serve_tcp *tcp) {
    return room_of(tcp);
}

static bool write_some(struct serve_tcp *tcp) {
    long sent = linux_call(CALL_SENDTO, tcp->source.fd, (long)byte_queue_front(&tcp->send), tcp->send.count,
                           LINUX_MSG_NOSIGNAL, 0, 0);
    if (sent >= 0) {
        tcp->progress_ns = sockets.now_ns;
        byte_queue_consume(&tcp->send, &sockets.pool, (uint32_t)sent);
    } else if (sent == ERROR_AGAIN) {
        tcp->writable = false;
    } else if (sent != ERROR_INTERRUPTED) {
        tcp_drop(tcp, tcp_reason_of(sent));
    }
    return sent >= 0 || sent == ERROR_INTERRUPTED;
}

void tcp_flush(struct serve_tcp *tcp) {
    if (tcp->state != TCP_OPEN)
        return;
    while (tcp->send.count > 0 && tcp->writable)
        if (!write_some(tcp))
            break;
    if (tcp->state != TCP_OPEN)
        return;
    if (tcp->send.count == 0 && tcp->fin_queued && !tcp->fin_sent) {
        tcp->fin_sent = true;
        linux_call(CALL_SHUTDOWN, tcp->source.fd, LINUX_SHUT_WR, 0, 0, 0, 0);
        if (tcp->released)
            tcp_start_linger_timer(tcp, LINGER_NS);
        tcp_drop_if_done(tcp);
    }
    // In the next batch: else a peer that takes all we have would keep us from everybody else.
    if (tcp->wants_writable && room_of(tcp) >= sockets.options.send_buffer_bytes / 4) {
        tcp->writable_due = true;
        list_append(&sockets.events, &tcp->events);
    }
}
