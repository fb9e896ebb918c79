// Segments that arrive, in the order of checks of RFC 9293 3.10.7.
#include "net/tcp.h"

void tcp_take_syn_options(struct serve_tcp *tcp, const struct tcp_segment *syn) {
    const struct tcp_options *options = &syn->options;
    tcp->rcv.irs = syn->begin;
    tcp->rcv.nxt = syn->begin + 1;
    tcp->rcv.adv = tcp->rcv.nxt + tcp_syn_window(tcp);
    uint32_t mss = options->mss != 0 ? options->mss : TCP_MSS_DEFAULT;
    uint32_t mss_own = tcp->net->mtu - IPV4_HEADER_BYTES - TCP_HEADER_BYTES;
    if (mss < TCP_MSS_MIN)
        mss = TCP_MSS_MIN;
    tcp->snd.mss = (uint16_t)(mss < mss_own ? mss : mss_own);
    tcp->has_sack = options->sack_permitted;
    tcp->has_timestamps = options->has_timestamp;
    tcp->rcv.timestamp = options->timestamp;
    tcp->rcv.timestamp_ns = tcp->net->now_ns;
    tcp->has_scale = options->has_scale;
    tcp->snd.scale = options->scale;
    if (!options->has_scale)
        tcp->rcv.scale = 0;
    tcp->cwnd = tcp_initial_window(tcp);
}

static void establish(struct serve_tcp *tcp, const struct tcp_segment *segment) {
    tcp->state = tcp->fin_queued ? TCP_FIN_WAIT_1 : TCP_ESTABLISHED;
    if (tcp->listener)
        tcp->listener->half_open--;
    tcp->listener = NULL;
    tcp_sample_rtt(tcp, segment);
    if (tcp->unanswered > 0) { // the SYN had to be sent again
        tcp->cwnd = tcp_segment_max(tcp); // RFC 5681 3.1
        if (tcp->srtt_us == 0)
            tcp->rto_us = 3 * TCP_RTO_INITIAL_US; // RFC 6298 5.7
    }
    tcp->backoff = tcp->unanswered = 0;
    tcp->snd.una = tcp->snd.iss + 1;
    tcp_set_window(tcp, segment);
    wheel_stop(&tcp->net->wheel, &tcp->retransmit_timer);
    tcp_start_idle_timer(tcp);
    tcp_mark_dirty(tcp);
    tcp->known = true;
    if (!tcp->released && tcp->callbacks->on_open)
        tcp->callbacks->on_open(tcp);
}

void tcp_begin(struct serve_tcp *tcp, struct tcp_listener *listener, const struct tcp_segment *syn) {
    tcp->listener = listener;
    listener->half_open++;
    tcp->callbacks = listener->callbacks;
    tcp->user = listener->user;
    tcp_take_syn_options(tcp, syn);
    tcp->state = TCP_SYN_RECEIVED;
}

static void accept_syn(struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *segment,
                       struct tcp_listener *listener, const sequence *iss_floor) {
    if (!ipv4_has_route(net, packet->from))
        return;
    if (listener->half_open >= listener->backlog) {
        tcp_answer_with_cookie(net, packet, segment);
        return;
    }
    struct serve_tcp *tcp = tcp_create(net, packet->from, segment->from_port, segment->to_port);
    if (!tcp) {
        net->counters.tcp_refused++;
        return;
    }
    if (iss_floor && before(tcp->snd.iss, *iss_floor))
        tcp_start_sequence(tcp, *iss_floor);
    tcp_begin(tcp, listener, segment);
    tcp_send_syn(tcp);
}

static void input_syn_sent(struct serve_tcp *tcp, const struct ipv4_packet *packet,
                           const struct tcp_segment *segment) {
    bool has_ack = (segment->flags & TCP_ACK) != 0;
    if (has_ack && segment->ack != tcp->snd.iss + 1) {
        tcp_refuse(tcp->net, packet, segment);
        return;
    }
    if ((segment->flags & TCP_RST) != 0) {
        if (has_ack)
            tcp_drop(tcp, SERVE_CLOSED_REFUSED);
        return;
    }
    if ((segment->flags & TCP_SYN) == 0)
        return;
    tcp->heard_ns = tcp->progress_ns = tcp->net->now_ns;
    tcp_take_syn_options(tcp, segment);
    if (has_ack) {
        tcp_acknowledge_now(tcp);
        establish(tcp, segment);
    } else { // both sides opened at once
        tcp->state = TCP_SYN_RECEIVED;
        tcp_send_syn(tcp);
    }
}

// RFC 7323 5.3: a segment whose timestamp is older than what arrived already is an old duplicate, unless the connection
// was idle for 24 days, in which the peer's clock may have wrapped.
static bool is_timestamp_stale(const struct serve_tcp *tcp, const struct tcp_segment *segment) {
    const uint64_t wrap_ns = 24ull * 24 * 3600 * NS_PER_S;
    return before(segment->options.timestamp, tcp->rcv.timestamp)
           && tcp->net->now_ns - tcp->rcv.timestamp_ns < wrap_ns;
}

// RFC 9293 3.10.7.4, first. With a closed window what begins at rcv.nxt passes, for its ACK and RST; its data is cut
// off later. So does an empty segment at the right edge: the peer may have filled the window with segments that got
// lost.
static bool is_in_window(const struct serve_tcp *tcp, const struct tcp_segment *segment) {
    uint32_t length = tcp_segment_length(segment), window = tcp->rcv.adv - tcp->rcv.nxt;
    uint32_t begin = segment->begin - tcp->rcv.nxt, end = segment->begin + length - 1 - tcp->rcv.nxt;
    if (begin == 0 || (length == 0 && begin <= window))
        return true;
    return length > 0 && (begin < window || end < window);
}

static void answer_unacceptable(struct serve_tcp *tcp, bool sent_again) {
    if (!sent_again) {
        tcp_challenge(tcp);
        return;
    }
    tcp_acknowledge_now(tcp);
    if (tcp->state == TCP_TIME_WAIT) // our last acknowledgement got lost, and the next may
        wheel_start(&tcp->net->wheel, &tcp->retransmit_timer, tcp->net->now_ns + TCP_TIME_WAIT_NS);
}

// False: nothing more is to be done with the segment.
static bool check_sequence(struct serve_tcp *tcp, const struct tcp_segment *segment) {
    bool reset = (segment->flags & TCP_RST) != 0;
    bool acceptable = is_in_window(tcp, segment);
    if (tcp->has_timestamps && !reset) {
        if (!segment->options.has_timestamp)
            return false; // RFC 7323 3.2
        acceptable = acceptable && !is_timestamp_stale(tcp, segment);
    }
    if (!acceptable) {
        if (!reset)
            answer_unacceptable(tcp, tcp_segment_length(segment) > 0);
        return false;
    }
    if (reset) {
        // RFC 5961 3.2: only a reset at the very place is believed.
        if (segment->begin != tcp->rcv.nxt)
            tcp_challenge(tcp);
        else if (tcp->state != TCP_TIME_WAIT) // RFC 1337 3
            tcp_drop(tcp, tcp->state == TCP_SYN_RECEIVED ? SERVE_CLOSED_REFUSED : SERVE_CLOSED_RESET);
        return false;
    }
    if ((segment->flags & TCP_SYN) != 0) {
        tcp_challenge(tcp); // RFC 5961 4.2
        return false;
    }
    if (tcp->has_timestamps && at_or_before(segment->begin, tcp->rcv.timestamp_ack)) { // RFC 7323 4.3
        tcp->rcv.timestamp = segment->options.timestamp;
        tcp->rcv.timestamp_ns = tcp->net->now_ns;
    }
    return true;
}

// What the acknowledgement of our FIN means in each state. False: the connection is gone.
static bool advance_on_fin_acked(struct serve_tcp *tcp) {
    if (!tcp_fin_acked(tcp))
        return true;
    switch (tcp->state) {
    case TCP_FIN_WAIT_1:
        tcp->state = TCP_FIN_WAIT_2;
        if (tcp->released)
            wheel_start(&tcp->net->wheel, &tcp->retransmit_timer, tcp->net->now_ns + TCP_LINGER_NS);
        break;
    case TCP_CLOSING:
        tcp_enter_time_wait(tcp);
        break;
    case TCP_LAST_ACK:
        if (tcp->released || tcp->receive.count == 0) {
            tcp_drop(tcp, SERVE_CLOSED_DONE);
            return false;
        }
        tcp_enter_time_wait(tcp); // until the application has read the rest
        break;
    }
    return true;
}

static void input_synchronized(struct serve_tcp *tcp, const struct ipv4_packet *packet, struct tcp_segment *segment) {
    if (tcp->state == TCP_SYN_RECEIVED && (segment->flags & TCP_SYN) != 0 && segment->begin == tcp->rcv.irs) {
        if ((segment->flags & TCP_ACK) == 0) {
            tcp_send_syn(tcp); // ours got lost
            return;
        }
        // The answer to ours, where both sides opened at once; its SYN was taken before.
        segment->flags &= (uint8_t)~TCP_SYN;
        segment->begin++;
    }
    if (!check_sequence(tcp, segment) || (segment->flags & TCP_ACK) == 0)
        return;
    if (tcp->state == TCP_SYN_RECEIVED) {
        if (segment->ack != tcp->snd.iss + 1) {
            tcp_refuse(tcp->net, packet, segment);
            return;
        }
        establish(tcp, segment);
        if (tcp->state == TCP_CLOSED)
            return;
    }
    tcp->heard_ns = tcp->net->now_ns;
    tcp->keepalive_probes = 0;
    if (!tcp_take_ack(tcp, segment) || tcp->state == TCP_CLOSED || !advance_on_fin_acked(tcp))
        return;
    if (tcp->state == TCP_ESTABLISHED || tcp->state == TCP_FIN_WAIT_1 || tcp->state == TCP_FIN_WAIT_2)
        tcp_receive(tcp, segment);
}

// No connection has these addresses and ports. iss_floor: the lowest sequence number for a next one, or NULL.
static void input_unknown(struct net *net, const struct ipv4_packet *packet, struct tcp_segment *segment,
                          const sequence *iss_floor) {
    struct tcp_listener *listener = tcp_find_listener(net, segment->to_port);
    struct serve_tcp *tcp;
    if ((segment->flags & TCP_RST) != 0)
        return;
    if (listener && tcp_take_cookie(net, packet, segment, listener, &tcp)) {
        if (tcp)
            input_synchronized(tcp, packet, segment);
        return;
    }
    if (!listener || (segment->flags & TCP_ACK) != 0) {
        tcp_refuse(net, packet, segment);
        return;
    }
    // SYN and FIN at once are nobody's way to open a connection.
    if ((segment->flags & (TCP_SYN | TCP_FIN)) == TCP_SYN)
        accept_syn(net, packet, segment, listener, iss_floor);
}

// RFC 1122 4.2.2.13 and RFC 6191 2: a SYN that is newer than the old connection in TIME_WAIT begins another one.
static bool reopens(const struct serve_tcp *tcp, const struct tcp_segment *segment) {
    if (tcp->state != TCP_TIME_WAIT || tcp->known || (segment->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
        return false;
    if (tcp->has_timestamps && segment->options.has_timestamp
        && segment->options.timestamp != tcp->rcv.timestamp)
        return before(tcp->rcv.timestamp, segment->options.timestamp);
    return before(tcp->rcv.nxt, segment->begin);
}

void tcp_input(struct net *net, const struct ipv4_packet *packet) {
    struct tcp_segment segment;
    if (packet->broadcast || !tcp_parse(net, packet, &segment))
        return;
    struct serve_tcp *tcp = tcp_find(net, packet->from, segment.from_port, segment.to_port);
    if (!tcp) {
        input_unknown(net, packet, &segment, NULL);
    } else if (reopens(tcp, &segment)) {
        sequence iss_floor = tcp->snd.max + 1;
        tcp_drop(tcp, SERVE_CLOSED_DONE);
        input_unknown(net, packet, &segment, &iss_floor);
    } else if (tcp->state == TCP_SYN_SENT) {
        input_syn_sent(tcp, packet, &segment);
    } else {
        input_synchronized(tcp, packet, &segment);
    }
}

void tcp_unreachable(struct net *net, uint32_t to, const uint8_t *quoted, uint32_t next_mtu) {
    struct serve_tcp *tcp = tcp_find(net, to, load_be16(quoted + 2), load_be16(quoted));
    sequence begin = load_be32(quoted + 4);
    // RFC 5927 4.1: only who saw the segment can quote its sequence number.
    if (!tcp || before(begin, tcp->snd.una) || !before(begin, tcp->snd.max))
        return;
    if (next_mtu == 0) {
        // RFC 5461 4.1: while it opens, an error is believed; later it may pass.
        if (tcp->state == TCP_SYN_SENT)
            tcp_drop(tcp, SERVE_CLOSED_REFUSED);
        return;
    }
    uint32_t mss = next_mtu - IPV4_HEADER_BYTES - TCP_HEADER_BYTES;
    if (mss < tcp->snd.mss) {
        tcp->snd.mss = (uint16_t)mss;
        tcp->resend_first = tcp->state > TCP_SYN_RECEIVED;
        tcp_mark_dirty(tcp);
    }
}
