// Acknowledgements that arrive.
#include "net/tcp.h"

// RFC 6298 2, in microseconds.
static void update_rto(struct serve_tcp *tcp, uint32_t rtt_us) {
    if (rtt_us == 0)
        rtt_us = 1;
    if (tcp->srtt_us == 0) {
        tcp->srtt_us = rtt_us;
        tcp->rttvar_us = rtt_us / 2;
    } else {
        uint32_t difference = tcp->srtt_us > rtt_us ? tcp->srtt_us - rtt_us : rtt_us - tcp->srtt_us;
        tcp->rttvar_us = (3 * tcp->rttvar_us + difference) / 4;
        tcp->srtt_us = (7 * tcp->srtt_us + rtt_us) / 8;
    }
    uint32_t spare_us = 4 * tcp->rttvar_us;
    if (spare_us < TCP_RTO_SPARE_US)
        spare_us = TCP_RTO_SPARE_US;
    tcp->rto_us = tcp->srtt_us + spare_us;
    if (tcp->rto_us > TCP_RTO_MAX_US)
        tcp->rto_us = TCP_RTO_MAX_US;
    tcp->backoff = 0; // only now: Karn's algorithm (RFC 6298 5)
}

void tcp_sample_rtt(struct serve_tcp *tcp, const struct tcp_segment *segment) {
    uint64_t rtt_us;
    if (tcp->has_timestamps && segment->options.has_timestamp) {
        // What answers to a segment from before a timeout took as long as the timeout did: if that counted, the next
        // timeout would be longer still.
        uint32_t echo = segment->options.timestamp_echo;
        if (tcp->recovery == TCP_RECOVERY_TIMEOUT && before(echo, tcp->timeout_timestamp))
            return;
        rtt_us = (uint64_t)(tcp_timestamp(tcp) - echo) * 1000;
    } else if (tcp->rtt_timed && at_or_before(tcp->rtt_end, segment->ack)) {
        tcp->rtt_timed = false;
        rtt_us = (tcp->net->now_ns - tcp->rtt_begin_ns) / 1000;
    } else {
        return;
    }
    if (rtt_us <= TCP_RTO_MAX_US) // more is no echo of ours
        update_rto(tcp, (uint32_t)rtt_us);
}

void tcp_set_window(struct serve_tcp *tcp, const struct tcp_segment *segment) {
    tcp->snd.wl1 = segment->begin;
    tcp->snd.wl2 = segment->ack;
    tcp->snd.wnd = (uint32_t)segment->window << ((segment->flags & TCP_SYN) != 0 ? 0 : tcp->snd.scale);
    if (tcp->snd.wnd_max < tcp->snd.wnd)
        tcp->snd.wnd_max = tcp->snd.wnd;
}

// Notes what arrived behind gaps. True: some of it was not known before.
static bool take_sack(struct serve_tcp *tcp, const struct tcp_segment *segment) {
    bool news = false;
    tcp->arrived_twice = tcp->has_sack && segment->options.sack_count > 0
                         && at_or_before(segment->options.sack[0].end, segment->ack);
    for (uint32_t i = 0; tcp->has_sack && i < segment->options.sack_count; i++) {
        struct sequence_range block = segment->options.sack[i];
        // As distances from the acknowledgement: compared with each other alone, numbers can go around the circle.
        uint32_t begin = block.begin - segment->ack, end = block.end - segment->ack;
        bool sane = begin > 0 && begin < end && end <= tcp->snd.max - segment->ack;
        if (sane && !sequence_set_contains(&tcp->sacked, block.begin, block.end))
            news |= sequence_set_add(&tcp->sacked, block.begin, block.end);
    }
    return news;
}

// RFC 5681 2; with SACK only what tells of new arrivals counts (RFC 6675 2).
static bool is_duplicate(const struct serve_tcp *tcp, const struct tcp_segment *segment, bool sack_news) {
    if (tcp->snd.una == tcp->snd.max || segment->ack != tcp->snd.una || tcp->snd.wnd == 0)
        return false; // a closed window's answers to probes are none
    if (tcp->has_sack)
        return sack_news;
    return tcp_segment_length(segment) == 0 && (uint32_t)segment->window << tcp->snd.scale == tcp->snd.wnd;
}

static void take_new_ack(struct serve_tcp *tcp, const struct tcp_segment *segment) {
    uint32_t acked = segment->ack - tcp->snd.una, flight = tcp->snd.max - tcp->snd.una;
    uint32_t consumed = segment->ack - tcp->snd.begin;
    if (consumed > tcp->send.count)
        consumed = tcp->send.count; // FIN is acknowledged too
    tcp_sample_rtt(tcp, segment);
    if (consumed > 0)
        byte_queue_consume(&tcp->send, &tcp->net->pool, consumed);
    tcp->snd.begin += consumed;
    tcp->snd.una = segment->ack;
    tcp->snd.nxt = later_of(tcp->snd.nxt, tcp->snd.una);
    sequence_set_trim(&tcp->sacked, tcp->snd.una);
    tcp->unanswered = 0;
    tcp->progress_ns = tcp->net->now_ns;
    tcp_restart_retransmit_timer(tcp); // RFC 6298 5.3
    tcp_loss_on_acked(tcp, acked, flight);
}

bool tcp_take_ack(struct serve_tcp *tcp, const struct tcp_segment *segment) {
    if (before(segment->ack, tcp->snd.una - tcp->snd.wnd_max) || before(tcp->snd.max, segment->ack)) {
        tcp_challenge(tcp); // RFC 5961 5.2
        return false;
    }
    if (before(segment->ack, tcp->snd.una))
        return true;
    bool sack_news = take_sack(tcp, segment), is_new = segment->ack != tcp->snd.una;
    bool duplicate = is_duplicate(tcp, segment, sack_news);
    if (is_new)
        take_new_ack(tcp, segment);
    else if (duplicate)
        tcp_loss_on_duplicate(tcp);
    if (sack_news && tcp->sacked.count > 0)
        tcp_loss_on_sack(tcp);
    if (before(tcp->snd.wl1, segment->begin)
        || (tcp->snd.wl1 == segment->begin && at_or_before(tcp->snd.wl2, segment->ack))) {
        uint32_t before_wnd = tcp->snd.wnd;
        tcp_set_window(tcp, segment);
        if (before_wnd == 0) { // whoever answers probes is alive
            tcp->unanswered = 0;
            if (tcp->snd.wnd > 0) {
                tcp->backoff = 0;
                tcp_restart_retransmit_timer(tcp);
            }
        }
        if (before_wnd != tcp->snd.wnd)
            tcp_mark_dirty(tcp);
    }
    if (is_new)
        tcp_tell_writable(tcp);
    return true;
}
