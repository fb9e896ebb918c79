// Congestion control (RFC 5681, RFC 6928) and loss recovery: NewReno (RFC 6582), and with SACK RFC 6675.
#include "net/tcp.h"

enum { SLOW_START_SEGMENTS_MAX = 8 }; // counted for one acknowledgement at most: L of RFC 3465, as RFC 9406 4.2 has it

uint32_t tcp_initial_window(const struct serve_tcp *tcp) {
    uint32_t mss = tcp_segment_max(tcp), most = 2 * mss > 14600 ? 2 * mss : 14600; // RFC 6928 2
    return 10 * mss < most ? 10 * mss : most;
}

uint32_t tcp_sacked_bytes(const struct serve_tcp *tcp, sequence end) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < tcp->sacked.count; i++) {
        struct sequence_range range = tcp->sacked.ranges[i];
        if (before(range.begin, end))
            bytes += (before(range.end, end) ? range.end : end) - range.begin;
    }
    return bytes;
}

static uint32_t half_flight(const struct serve_tcp *tcp, uint32_t flight) {
    uint32_t least = 2 * tcp_segment_max(tcp);
    return flight / 2 > least ? flight / 2 : least;
}

// What RFC 6675 asks of the scoreboard --------------------------------------------------------------------------------

// The gap before the range at `index`; the first begins at snd.una.
static struct sequence_range gap_before(const struct serve_tcp *tcp, uint32_t index) {
    const struct sequence_range *ranges = tcp->sacked.ranges;
    return (struct sequence_range){index == 0 ? tcp->snd.una : ranges[index - 1].end, ranges[index].begin};
}

// IsLost(), for that gap; `sacked_above`: bytes in the ranges from `index` on.
static bool is_lost(const struct serve_tcp *tcp, uint32_t index, uint32_t sacked_above) {
    return tcp->gaps_lost || tcp->sacked.count - index >= TCP_DUPLICATES_MAX
           || sacked_above > (TCP_DUPLICATES_MAX - 1) * tcp_segment_max(tcp);
}

// SetPipe(): what is in the network, by the best of our knowledge.
static uint32_t pipe_bytes(const struct serve_tcp *tcp) {
    if (tcp->sacked.count == 0)
        return tcp->snd.max - tcp->snd.una;
    uint32_t sacked_above = tcp_sacked_bytes(tcp, tcp->snd.max);
    uint32_t bytes = tcp->snd.max - tcp->sacked.ranges[tcp->sacked.count - 1].end;
    for (uint32_t i = 0; i < tcp->sacked.count; i++) {
        struct sequence_range gap = gap_before(tcp, i);
        if (!is_lost(tcp, i, sacked_above))
            bytes += gap.end - gap.begin;
        if (before(gap.begin, tcp->resent))
            bytes += (before(gap.end, tcp->resent) ? gap.end : tcp->resent) - gap.begin;
        sacked_above -= tcp->sacked.ranges[i].end - tcp->sacked.ranges[i].begin;
    }
    return bytes;
}

bool tcp_loss_may_send_new(const struct serve_tcp *tcp) {
    return pipe_bytes(tcp) + tcp_segment_max(tcp) <= tcp->cwnd;
}

bool tcp_loss_next(const struct serve_tcp *tcp, bool lost_only, struct sequence_range *next) {
    if (!tcp_loss_may_send_new(tcp))
        return false;
    uint32_t sacked_above = tcp_sacked_bytes(tcp, tcp->snd.max), most = tcp_segment_max(tcp);
    for (uint32_t i = 0; i < tcp->sacked.count; i++) {
        struct sequence_range gap = gap_before(tcp, i);
        gap.begin = later_of(gap.begin, tcp->resent);
        if (before(gap.begin, gap.end) && (!lost_only || is_lost(tcp, i, sacked_above))) {
            *next = (struct sequence_range){gap.begin, gap.end - gap.begin > most ? gap.begin + most : gap.end};
            return true;
        }
        sacked_above -= tcp->sacked.ranges[i].end - tcp->sacked.ranges[i].begin;
    }
    return false;
}

// Events --------------------------------------------------------------------------------------------------------------

static void enter_fast_recovery(struct serve_tcp *tcp) {
    tcp->ssthresh = half_flight(tcp, tcp->snd.max - tcp->snd.una);
    // Without SACK each duplicate stands for a segment that left the network (RFC 5681 3.2, step 3).
    tcp->cwnd = tcp->ssthresh + (tcp->has_sack ? 0 : TCP_DUPLICATES_MAX * tcp_segment_max(tcp));
    tcp->recovery = TCP_RECOVERY_FAST;
    tcp->recovery_point = tcp->snd.max;
    tcp->resent = tcp->first_resent_max = tcp->snd.una;
    tcp->resend_first = true;
    tcp->probe_again = false;
}

void tcp_loss_on_sack(struct serve_tcp *tcp) {
    if (tcp->recovery == TCP_RECOVERY_NONE)
        tcp_restart_retransmit_timer(tcp); // it now waits for the gap to be filled
    // What was sent after the first segment was sent again has arrived, but not that: it got lost again.
    if (tcp->recovery == TCP_RECOVERY_FAST && tcp->resent != tcp->snd.una
        && before(tcp->first_resent_max, tcp->sacked.ranges[tcp->sacked.count - 1].end))
        tcp->resend_first = true;
}

void tcp_loss_on_reorder_timeout(struct serve_tcp *tcp) {
    tcp->gaps_lost = true;
    enter_fast_recovery(tcp);
    tcp_mark_dirty(tcp);
}

void tcp_loss_on_duplicate(struct serve_tcp *tcp) {
    if (tcp->duplicates < UINT8_MAX)
        tcp->duplicates++;
    tcp_mark_dirty(tcp);
    if (tcp->recovery == TCP_RECOVERY_FAST) {
        if (!tcp->has_sack)
            tcp->cwnd += tcp_segment_max(tcp);
        return;
    }
    // RFC 6582 4: while everything is sent again, duplicates may be of our own making.
    if (tcp->recovery == TCP_RECOVERY_TIMEOUT)
        return;
    bool first_lost = tcp->sacked.count > 0 && is_lost(tcp, 0, tcp_sacked_bytes(tcp, tcp->snd.max));
    if (tcp->duplicates >= TCP_DUPLICATES_MAX || first_lost)
        enter_fast_recovery(tcp);
}

// RFC 6582 3.2, step 3.
static void on_acked_in_fast_recovery(struct serve_tcp *tcp, uint32_t acked) {
    uint32_t mss = tcp_segment_max(tcp);
    if (at_or_before(tcp->recovery_point, tcp->snd.una)) {
        uint32_t flight = tcp->snd.max - tcp->snd.una, burstless = (flight > mss ? flight : mss) + mss;
        tcp->cwnd = tcp->ssthresh < burstless ? tcp->ssthresh : burstless;
        tcp->recovery = TCP_RECOVERY_NONE;
        tcp->duplicates = 0;
        tcp->resend_first = tcp->gaps_lost = false;
        tcp->cwnd_acked = 0;
        return;
    }
    tcp->resent = later_of(tcp->resent, tcp->snd.una);
    tcp->first_resent_max = tcp->snd.max;
    if (tcp->has_sack)
        return;
    tcp->resend_first = true;
    tcp->cwnd = tcp->cwnd > acked + mss ? tcp->cwnd - acked : mss;
    if (acked >= mss)
        tcp->cwnd += mss;
}

static void grow_window(struct serve_tcp *tcp, uint32_t acked) {
    uint32_t mss = tcp_segment_max(tcp);
    if (tcp->cwnd < tcp->ssthresh) {
        tcp->cwnd += acked < SLOW_START_SEGMENTS_MAX * mss ? acked : SLOW_START_SEGMENTS_MAX * mss;
        return;
    }
    tcp->cwnd_acked += acked;
    if (tcp->cwnd_acked >= tcp->cwnd) {
        tcp->cwnd_acked -= tcp->cwnd;
        tcp->cwnd += mss;
    }
}

// RFC 8985 7.4: a probe that arrived once mended a loss, which the congestion window must hear of.
static bool probe_mended_loss(struct serve_tcp *tcp) {
    if (!tcp->probe_again || before(tcp->snd.una, tcp->probe_end))
        return false;
    tcp->probe_again = false;
    return !tcp->arrived_twice;
}

void tcp_loss_on_acked(struct serve_tcp *tcp, uint32_t acked, uint32_t flight) {
    tcp->probed = false;
    if (tcp->recovery == TCP_RECOVERY_FAST) {
        on_acked_in_fast_recovery(tcp, acked);
        return;
    }
    tcp->duplicates = 0;
    if (probe_mended_loss(tcp)) {
        tcp->cwnd = tcp->ssthresh = half_flight(tcp, flight);
        return;
    }
    if (tcp->recovery == TCP_RECOVERY_TIMEOUT && at_or_before(tcp->recovery_point, tcp->snd.una))
        tcp->recovery = TCP_RECOVERY_NONE;
    // RFC 7661 4.1: a window that is not made use of says nothing about the network.
    bool used = tcp->cwnd < tcp->ssthresh ? 2 * flight >= tcp->cwnd : flight + tcp_segment_max(tcp) > tcp->cwnd;
    if (used || tcp->recovery == TCP_RECOVERY_TIMEOUT)
        grow_window(tcp, acked);
    if (tcp->cwnd > 2 * POOL_BUFFER_BYTES_MAX)
        tcp->cwnd = 2 * POOL_BUFFER_BYTES_MAX;
}

void tcp_loss_on_timeout(struct serve_tcp *tcp) {
    if (tcp->unanswered == 0) // RFC 5681 3.1: not again for the same data
        tcp->ssthresh = half_flight(tcp, tcp->snd.max - tcp->snd.una);
    tcp->cwnd = tcp_segment_max(tcp);
    tcp->cwnd_acked = 0;
    tcp->recovery = TCP_RECOVERY_TIMEOUT;
    tcp->recovery_point = tcp->snd.max;
    tcp->timeout_timestamp = tcp_timestamp(tcp);
    tcp->duplicates = 0;
    tcp->resend_first = tcp->gaps_lost = tcp->probe_again = false;
    tcp->rtt_timed = false;
    tcp->sacked.count = 0; // RFC 2018 8: the peer may have dropped what it had not acknowledged
    tcp->snd.nxt = tcp->snd.una;
}
