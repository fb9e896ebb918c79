// Data that arrives. In order and with nothing kept, it goes from the frame to the application without a copy.
#include "net/tcp.h"

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// The window that the buffer has room for.
static uint32_t window_room(const struct serve_tcp *tcp) {
    uint32_t most = tcp->net->receive_buffer_bytes;
    return tcp->receive.count < most ? most - tcp->receive.count : 0;
}

uint16_t tcp_syn_window(const struct serve_tcp *tcp) {
    return (uint16_t)least(tcp->net->receive_buffer_bytes, UINT16_MAX);
}

uint16_t tcp_offer_window(struct serve_tcp *tcp) {
    uint32_t offered = tcp->rcv.adv - tcp->rcv.nxt, room = window_room(tcp);
    // RFC 9293 3.8.6.2.2: the right edge moves by a good piece or not at all, and never back.
    uint32_t piece = least(tcp->net->receive_buffer_bytes / 2, tcp->snd.mss);
    uint32_t window = room >= offered + piece ? room : offered;
    uint32_t scaled = (window + (1u << tcp->rcv.scale) - 1) >> tcp->rcv.scale; // up: the edge must not move back
    if (scaled > UINT16_MAX)
        scaled = UINT16_MAX;
    tcp->rcv.adv = tcp->rcv.nxt + (scaled << tcp->rcv.scale);
    return (uint16_t)scaled;
}

// Tells the peer when consuming opened the window by a good piece, which it may be waiting for.
static void tell_window(struct serve_tcp *tcp) {
    uint32_t offered = tcp->rcv.adv - tcp->rcv.nxt;
    uint32_t piece = least(tcp->net->receive_buffer_bytes / 2, 2u * tcp->snd.mss);
    if (tcp->state < TCP_CLOSE_WAIT && window_room(tcp) >= offered + piece)
        tcp_acknowledge_now(tcp);
}

// Gives bytes to the application; how many it consumed.
static uint32_t offer(struct serve_tcp *tcp, const uint8_t *bytes, uint32_t count) {
    if (tcp->released || !tcp->callbacks->on_data)
        return count;
    tcp->in_on_data = true;
    size_t consumed = tcp->callbacks->on_data(tcp, bytes, count);
    tcp->in_on_data = false;
    // Closed meanwhile: nobody will ask for the rest.
    return consumed > count || tcp->released || tcp->state == TCP_CLOSED ? count : (uint32_t)consumed;
}

void tcp_deliver(struct serve_tcp *tcp) {
    if (tcp->receive.count > 0) {
        uint32_t consumed = offer(tcp, byte_queue_front(&tcp->receive), tcp->receive.count);
        byte_queue_consume(&tcp->receive, &tcp->net->pool, consumed);
    }
    if (tcp->released || tcp->state == TCP_CLOSED) // meanwhile
        byte_queue_release(&tcp->receive, &tcp->net->pool);
    if (tcp->state == TCP_CLOSED)
        return;
    tell_window(tcp);
    tcp_end_if_read(tcp);
}

// RFC 9293 3.8.6.3: at least every second full segment is acknowledged; here, once a batch. The largest segment so far
// is what is full for that peer.
static void acknowledge_later(struct serve_tcp *tcp, uint32_t bytes) {
    tcp->rcv.unacked_bytes += bytes;
    if (tcp->rcv.largest < bytes)
        tcp->rcv.largest = bytes;
    tcp->progress_ns = tcp->net->now_ns;
    if (tcp->rcv.unacked_bytes >= 2 * tcp->rcv.largest && tcp->rcv.unacked_bytes >= 2 * TCP_MSS_DEFAULT)
        tcp_acknowledge_now(tcp);
    else
        tcp_start_ack_timer(tcp);
}

// In order, and nothing kept: straight to the application. Gives how many bytes were taken.
static uint32_t receive_directly(struct serve_tcp *tcp, const uint8_t *bytes, uint32_t count) {
    uint32_t consumed = offer(tcp, bytes, count), rest = count - consumed;
    if (rest > 0 && !byte_queue_place(&tcp->receive, &tcp->net->pool, 0, bytes + consumed, rest))
        count = consumed; // the peer will send the rest again
    else if (rest > 0)
        byte_queue_extend(&tcp->receive, rest);
    tcp->rcv.nxt += count;
    return count;
}

// In order, behind what is kept or before a gap that it closes.
static uint32_t receive_in_order(struct serve_tcp *tcp, const uint8_t *bytes, uint32_t count) {
    if (!byte_queue_place(&tcp->receive, &tcp->net->pool, 0, bytes, count))
        return 0;
    sequence end = tcp->rcv.nxt + count;
    for (uint32_t i = 0; i < tcp->gapped.count && at_or_before(tcp->gapped.ranges[i].begin, end); i++)
        end = later_of(end, tcp->gapped.ranges[i].end);
    if (tcp->gapped.count > 0) // RFC 5681 3.2: at once, when a gap is closed or still open
        tcp_acknowledge_now(tcp);
    byte_queue_extend(&tcp->receive, end - tcp->rcv.nxt);
    tcp->rcv.nxt = end;
    sequence_set_trim(&tcp->gapped, end);
    tcp_deliver(tcp);
    return count;
}

static void receive_behind_gap(struct serve_tcp *tcp, sequence begin, const uint8_t *bytes, uint32_t count) {
    tcp_acknowledge_now(tcp);
    if (tcp->released || !sequence_set_has_room(&tcp->gapped, begin, begin + count)
        || !byte_queue_place(&tcp->receive, &tcp->net->pool, begin - tcp->rcv.nxt, bytes, count))
        return;
    sequence_set_add(&tcp->gapped, begin, begin + count);
    tcp->rcv.sacked = begin;
}

// The peer's FIN is reached.
static void end_input(struct serve_tcp *tcp) {
    tcp->rcv.nxt++;
    tcp->gapped.count = 0; // nothing can follow
    byte_queue_forget_placed(&tcp->receive, &tcp->net->pool);
    tcp->rcv.adv = later_of(tcp->rcv.adv, tcp->rcv.nxt);
    tcp->progress_ns = tcp->net->now_ns;
    tcp_acknowledge_now(tcp);
    switch (tcp->state) {
    case TCP_ESTABLISHED:
        tcp->state = TCP_CLOSE_WAIT;
        break;
    case TCP_FIN_WAIT_1:
        tcp->state = TCP_CLOSING;
        break;
    }
    if (!tcp->released) {
        if (tcp->callbacks->on_eof)
            tcp->callbacks->on_eof(tcp);
        else
            serve_tcp_close(tcp);
    }
    if (tcp->state == TCP_FIN_WAIT_2)
        tcp_enter_time_wait(tcp);
}

void tcp_receive(struct serve_tcp *tcp, const struct tcp_segment *segment) {
    sequence begin = segment->begin, end = begin + segment->data_bytes;
    if ((segment->flags & TCP_FIN) != 0 && at_or_before(end, tcp->rcv.adv)) {
        tcp->fin_arrived = true;
        tcp->rcv.fin = end;
    }
    const uint8_t *bytes = segment->data;
    if (before(begin, tcp->rcv.nxt)) {
        bytes += least(tcp->rcv.nxt - begin, segment->data_bytes);
        begin = tcp->rcv.nxt;
    }
    if (before(tcp->rcv.adv, end))
        end = tcp->rcv.adv;
    if (before(begin, end)) {
        uint32_t count = end - begin;
        if (begin != tcp->rcv.nxt) {
            receive_behind_gap(tcp, begin, bytes, count);
        } else {
            bool direct = tcp->receive.extent == 0;
            uint32_t taken = direct ? receive_directly(tcp, bytes, count) : receive_in_order(tcp, bytes, count);
            if (tcp->state == TCP_CLOSED)
                return;
            acknowledge_later(tcp, taken);
        }
    } else if (tcp_segment_length(segment) > 0) {
        tcp_acknowledge_now(tcp); // nothing new: the peer missed an acknowledgement, or the window is closed
    }
    if (tcp->fin_arrived && tcp->rcv.nxt == tcp->rcv.fin)
        end_input(tcp);
}
