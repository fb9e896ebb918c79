// What is sent when. Everything here runs at the end of a batch, so that small sends of one batch share a segment.
#include "net/tcp.h"

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

void tcp_acknowledge_now(struct serve_tcp *tcp) {
    tcp->ack_now = true;
    tcp_mark_dirty(tcp);
}

void tcp_challenge(struct serve_tcp *tcp) {
    if (tcp->net->now_ns - tcp->challenge_ns < TCP_CHALLENGE_INTERVAL_NS && tcp->challenge_ns != 0)
        return;
    tcp->challenge_ns = tcp->net->now_ns;
    tcp_acknowledge_now(tcp);
}

void tcp_send_syn(struct serve_tcp *tcp) {
    tcp->rtt_timed = tcp->snd.max == tcp->snd.iss; // Karn's algorithm: not when it was sent before
    tcp->rtt_end = tcp->snd.iss + 1;
    tcp->rtt_begin_ns = tcp->net->now_ns;
    if (!tcp->rtt_timed)
        tcp->net->counters.tcp_retransmits++;
    tcp->snd.nxt = tcp->snd.max = tcp->snd.iss + 1;
    tcp_transmit(tcp, tcp->snd.iss, 0, tcp->state == TCP_SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK);
    tcp_start_retransmit_timer(tcp);
}

// Where a segment without data lies: behind all that was sent, which is where the peer's window begins if all arrived.
// Unless that is beyond the window, as after a probe: there the peer would not take it.
static sequence empty_sequence(const struct serve_tcp *tcp) {
    return before(tcp->snd.una + tcp->snd.wnd, tcp->snd.max) ? tcp->snd.nxt : tcp->snd.max;
}

void tcp_send_reset(struct serve_tcp *tcp) {
    tcp->net->counters.tcp_resets_out++;
    tcp_transmit(tcp, empty_sequence(tcp), 0, TCP_RST | TCP_ACK);
}

// Sends bytes from `begin` on, new or again, with FIN if they reach it and `fin` allows. Gives the segment's end.
static sequence send_segment(struct serve_tcp *tcp, sequence begin, uint32_t bytes, bool fin) {
    sequence end = begin + bytes;
    bool last = end == tcp_send_end(tcp);
    uint8_t flags = TCP_ACK;
    if (last && bytes > 0)
        flags |= TCP_PSH;
    if (last && tcp->fin_queued && fin) {
        flags |= TCP_FIN;
        end++;
    }
    if (before(begin, tcp->snd.max)) {
        tcp->net->counters.tcp_retransmits++;
        tcp->rtt_timed = false; // Karn's algorithm
    } else if (!tcp->rtt_timed) {
        tcp->rtt_timed = true;
        tcp->rtt_end = end;
        tcp->rtt_begin_ns = tcp->net->now_ns;
    }
    tcp_transmit(tcp, begin, bytes, flags);
    tcp->snd.max = later_of(tcp->snd.max, end);
    return end;
}

// RFC 9293 3.8.6.1. The byte or FIN counts as sent, but snd.nxt stays: it is sent again with what follows it.
void tcp_send_probe(struct serve_tcp *tcp) {
    send_segment(tcp, tcp->snd.una, tcp->send.count > 0 ? 1 : 0, true);
}

static uint32_t payload_max(const struct serve_tcp *tcp) {
    return tcp->snd.mss - tcp_options_bytes(tcp);
}

// The next range that the peer reported lies at or behind snd.nxt only while everything is sent again.
static void skip_sacked(struct serve_tcp *tcp) {
    for (uint32_t i = 0; i < tcp->sacked.count; i++) {
        struct sequence_range range = tcp->sacked.ranges[i];
        if (at_or_before(range.begin, tcp->snd.nxt) && before(tcp->snd.nxt, range.end))
            tcp->snd.nxt = range.end;
    }
}

static uint32_t bytes_up_to_sacked(const struct serve_tcp *tcp, sequence begin) {
    for (uint32_t i = 0; i < tcp->sacked.count; i++)
        if (before(begin, tcp->sacked.ranges[i].begin))
            return tcp->sacked.ranges[i].begin - begin;
    return UINT32_MAX;
}

// How many bytes more the network may hold, outside of fast recovery with SACK.
static uint32_t congestion_room(const struct serve_tcp *tcp) {
    uint32_t flight = tcp->snd.nxt - tcp->snd.una - tcp_sacked_bytes(tcp, tcp->snd.nxt), most = tcp->cwnd;
    // Limited transmit (RFC 3042): the first duplicates each let a new segment out.
    if (tcp->recovery == TCP_RECOVERY_NONE)
        most += least(tcp->duplicates, TCP_DUPLICATES_MAX - 1) * tcp_segment_max(tcp);
    return flight < most ? most - flight : 0;
}

static uint32_t window_room(const struct serve_tcp *tcp) {
    sequence edge = tcp->snd.una + tcp->snd.wnd;
    return before(tcp->snd.nxt, edge) ? edge - tcp->snd.nxt : 0;
}

// Whether less than a full segment may go: Nagle's algorithm, and RFC 9293 3.8.6.2.1 against silly windows.
static bool may_send_small(const struct serve_tcp *tcp, uint32_t bytes, uint32_t waiting) {
    if (bytes == 0)
        return false;
    if (before(tcp->snd.nxt, tcp->snd.max))
        return true; // again: what got lost must not wait
    if (bytes == waiting)
        return !tcp->nagle || tcp->fin_queued || tcp->snd.nxt == tcp->snd.una;
    return bytes >= tcp->snd.wnd_max / 2 || tcp->output_forced;
}

// Sends one segment from snd.nxt on. False: nothing is to be sent, or nothing may be.
static bool send_next(struct serve_tcp *tcp, uint32_t room) {
    if (before(tcp->snd.nxt, tcp->snd.max))
        skip_sacked(tcp);
    sequence end = tcp_send_end(tcp);
    if (before(end, tcp->snd.nxt))
        return false; // FIN is on its way
    uint32_t waiting = end - tcp->snd.nxt, window = window_room(tcp), full = payload_max(tcp);
    if (waiting == 0 && !(tcp->fin_queued && window > 0))
        return false;
    uint32_t up_to = least(bytes_up_to_sacked(tcp, tcp->snd.nxt), full);
    uint32_t bytes = least(least(waiting, up_to), least(window, room));
    if (waiting > 0 && bytes < up_to) {
        if (bytes == room && room < least(window, waiting))
            return false; // congestion control lets whole segments through
        if (!may_send_small(tcp, bytes, waiting))
            return false;
    }
    tcp->snd.nxt = send_segment(tcp, tcp->snd.nxt, bytes, bytes < window);
    return true;
}

static void send_in_sack_recovery(struct serve_tcp *tcp) {
    struct sequence_range next;
    for (;;) {
        bool again = tcp_loss_next(tcp, true, &next);
        if (!again) {
            if (tcp_loss_may_send_new(tcp) && send_next(tcp, tcp_segment_max(tcp)))
                continue;
            again = tcp_loss_next(tcp, false, &next);
        }
        if (!again)
            return;
        uint32_t bytes = least(next.end - next.begin, payload_max(tcp));
        if (before(tcp_send_end(tcp), next.begin + bytes))
            bytes = tcp_send_end(tcp) - next.begin; // the rest is FIN
        tcp->resent = send_segment(tcp, next.begin, bytes, true);
        if (next.begin == tcp->snd.una)
            tcp->first_resent_max = tcp->snd.max;
    }
}

static void send_first_again(struct serve_tcp *tcp) {
    tcp->resend_first = false;
    if (tcp->snd.una == tcp->snd.max)
        return;
    uint32_t bytes = least(bytes_up_to_sacked(tcp, tcp->snd.una), payload_max(tcp));
    bytes = least(bytes, least(tcp->send.count, tcp->snd.max - tcp->snd.una));
    bool fin_sent = before(tcp_send_end(tcp), tcp->snd.max);
    tcp->resent = later_of(tcp->resent, send_segment(tcp, tcp->snd.una, bytes, fin_sent));
    tcp->first_resent_max = tcp->snd.max;
}

// RFC 8985 7.3: a new segment, or the last one again. Its acknowledgement tells what of the flight got lost.
void tcp_send_tail_probe(struct serve_tcp *tcp) {
    tcp->probed = true;
    if (send_next(tcp, payload_max(tcp)))
        return;
    sequence end = later_of(tcp->snd.una, tcp->snd.max - 1); // without FIN
    if (!before(tcp_send_end(tcp), tcp->snd.max))
        end = tcp->snd.max;
    uint32_t bytes = least(end - tcp->snd.una, payload_max(tcp));
    send_segment(tcp, end - bytes, bytes, end != tcp->snd.max);
    tcp->probe_again = true;
    tcp->probe_end = tcp->snd.max;
}

// RFC 5681 4.1: after a pause the old window says nothing about the network.
static void restart_after_idle(struct serve_tcp *tcp) {
    uint32_t initial = tcp_initial_window(tcp);
    if (tcp->snd.una == tcp->snd.max && tcp->cwnd > initial
        && tcp->net->now_ns - tcp->sent_ns > (uint64_t)tcp->rto_us * 1000)
        tcp->cwnd = initial;
}

void tcp_output(struct serve_tcp *tcp) {
    if (tcp->state >= TCP_ESTABLISHED && tcp->state != TCP_TIME_WAIT) {
        restart_after_idle(tcp);
        if (tcp->resend_first)
            send_first_again(tcp);
        if (tcp->recovery == TCP_RECOVERY_FAST && tcp->has_sack)
            send_in_sack_recovery(tcp);
        else
            while (send_next(tcp, congestion_room(tcp)))
                continue;
        tcp->output_forced = false;
        tcp_start_retransmit_timer(tcp);
    }
    if (tcp->ack_now)
        tcp_transmit(tcp, empty_sequence(tcp), 0, TCP_ACK);
}
