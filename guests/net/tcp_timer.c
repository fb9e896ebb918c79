#include "net/tcp.h"

static uint64_t timeout_ns(const struct serve_tcp *tcp) {
    uint64_t timeout_us = (uint64_t)tcp->rto_us << (tcp->backoff < 16 ? tcp->backoff : 16);
    return (timeout_us < TCP_RTO_MAX_US ? timeout_us : TCP_RTO_MAX_US) * 1000;
}

static bool has_unsent(const struct serve_tcp *tcp) {
    sequence end = tcp_send_end(tcp) + (tcp->fin_queued ? 1 : 0);
    return before(tcp->snd.nxt, end);
}

// What the timer is to wait for now, and for how long.
static uint64_t choose_waiting(struct serve_tcp *tcp) {
    uint64_t rto_ns = timeout_ns(tcp);
    bool in_flight = tcp->snd.una != tcp->snd.max && tcp->snd.wnd != 0;
    tcp->waiting_for = TCP_WAITING_TIMEOUT;
    if (!tcp->has_sack || tcp->recovery != TCP_RECOVERY_NONE || tcp->srtt_us == 0 || !in_flight)
        return rto_ns;
    uint64_t wait_us;
    if (tcp->sacked.count > 0) {
        tcp->waiting_for = TCP_WAITING_REORDER;
        wait_us = tcp->srtt_us / 4;
        return (wait_us < TCP_REORDER_MIN_US ? TCP_REORDER_MIN_US : wait_us) * 1000;
    }
    // A single segment's acknowledgement may be delayed for longer than the timeout takes.
    if (tcp->probed || tcp->snd.max - tcp->snd.una <= tcp_segment_max(tcp))
        return rto_ns;
    wait_us = 2 * (uint64_t)tcp->srtt_us;
    uint64_t probe_ns = (wait_us < TCP_PROBE_MIN_US ? TCP_PROBE_MIN_US : wait_us) * 1000;
    if (probe_ns >= rto_ns)
        return rto_ns;
    tcp->waiting_for = TCP_WAITING_PROBE;
    return probe_ns;
}

// In these states the timer waits for their end.
static bool is_in_last_state(const struct serve_tcp *tcp) {
    return tcp->state == TCP_FIN_WAIT_2 || tcp->state == TCP_TIME_WAIT;
}

void tcp_restart_retransmit_timer(struct serve_tcp *tcp) {
    if (is_in_last_state(tcp))
        return;
    wheel_stop(&tcp->net->wheel, &tcp->retransmit_timer);
    tcp_mark_dirty(tcp); // the output starts it, for what is in flight then
}

// Runs while something is unacknowledged, or waits for a window that is closed or too small.
void tcp_start_retransmit_timer(struct serve_tcp *tcp) {
    if (is_in_last_state(tcp))
        return;
    if (tcp->snd.una == tcp->snd.max && !has_unsent(tcp))
        wheel_stop(&tcp->net->wheel, &tcp->retransmit_timer);
    else if (!wheel_is_running(&tcp->retransmit_timer))
        wheel_start(&tcp->net->wheel, &tcp->retransmit_timer, tcp->net->now_ns + choose_waiting(tcp));
}

static void back_off(struct serve_tcp *tcp) {
    if (tcp->backoff < UINT8_MAX)
        tcp->backoff++;
    if (tcp->unanswered < UINT8_MAX)
        tcp->unanswered++;
}

static void on_syn_timeout(struct serve_tcp *tcp) {
    if (tcp->unanswered >= TCP_SYN_RETRIES_MAX) {
        tcp_drop(tcp, SERVE_CLOSED_TIMEOUT);
        return;
    }
    back_off(tcp);
    tcp_send_syn(tcp);
}

static void on_data_timeout(struct serve_tcp *tcp) {
    bool stalled = tcp->released && tcp->net->now_ns - tcp->progress_ns > TCP_CLOSED_STALL_NS;
    if (tcp->unanswered >= TCP_RETRIES_MAX || stalled) {
        tcp_send_reset(tcp);
        tcp_drop(tcp, SERVE_CLOSED_TIMEOUT);
        return;
    }
    if (tcp->snd.wnd == 0) {
        back_off(tcp);
        tcp_send_probe(tcp);
        return;
    }
    if (tcp->snd.una == tcp->snd.max) {
        tcp->output_forced = true;
    } else {
        tcp->net->counters.tcp_timeouts++;
        tcp_loss_on_timeout(tcp);
        back_off(tcp);
    }
    tcp_mark_dirty(tcp);
}

static void on_retransmit_timer(struct serve_timer *timer, void *user) {
    struct serve_tcp *tcp = user;
    (void)timer;
    switch (tcp->state) {
    case TCP_SYN_SENT:
    case TCP_SYN_RECEIVED:
        on_syn_timeout(tcp);
        break;
    case TCP_FIN_WAIT_2: // the peer does not end its side
        tcp_send_reset(tcp);
        tcp_drop(tcp, SERVE_CLOSED_TIMEOUT);
        break;
    case TCP_TIME_WAIT:
        if (tcp->known) // the application has not read everything
            wheel_start(&tcp->net->wheel, &tcp->retransmit_timer, tcp->net->now_ns + TCP_TIME_WAIT_NS);
        else
            tcp_drop(tcp, SERVE_CLOSED_DONE);
        break;
    default:
        if (tcp->waiting_for == TCP_WAITING_REORDER && tcp->sacked.count > 0)
            tcp_loss_on_reorder_timeout(tcp);
        else if (tcp->waiting_for == TCP_WAITING_PROBE)
            tcp_send_tail_probe(tcp);
        else
            on_data_timeout(tcp);
        if (tcp->state != TCP_CLOSED)
            tcp_start_retransmit_timer(tcp);
    }
}

static void on_ack_timer(struct serve_timer *timer, void *user) {
    (void)timer;
    tcp_acknowledge_now(user);
}

void tcp_start_ack_timer(struct serve_tcp *tcp) {
    if (!wheel_is_running(&tcp->ack_timer))
        wheel_start(&tcp->net->wheel, &tcp->ack_timer, tcp->net->now_ns + TCP_ACK_DELAY_NS);
}

// Idle timeout and keep-alive -----------------------------------------------------------------------------------------

// The timer runs to where one of them may be due, and looks then: so a segment costs nothing.

static uint64_t keepalive_due_ns(const struct serve_tcp *tcp) {
    return tcp->heard_ns + tcp->keepalive_ns + tcp->keepalive_probes * (tcp->keepalive_ns / 8);
}

void tcp_start_idle_timer(struct serve_tcp *tcp) {
    uint64_t due_ns = UINT64_MAX;
    if (tcp->idle_timeout_ns != 0)
        due_ns = tcp->progress_ns + tcp->idle_timeout_ns;
    if (tcp->keepalive_ns != 0 && keepalive_due_ns(tcp) < due_ns)
        due_ns = keepalive_due_ns(tcp);
    if (due_ns == UINT64_MAX)
        wheel_stop(&tcp->net->wheel, &tcp->idle_timer);
    else
        wheel_start(&tcp->net->wheel, &tcp->idle_timer, due_ns);
}

static void on_idle_timer(struct serve_timer *timer, void *user) {
    struct serve_tcp *tcp = user;
    (void)timer;
    uint64_t now_ns = tcp->net->now_ns;
    if (tcp->idle_timeout_ns != 0 && now_ns >= tcp->progress_ns + tcp->idle_timeout_ns) {
        tcp_close_idle(tcp);
        return;
    }
    if (tcp->keepalive_ns != 0 && now_ns >= keepalive_due_ns(tcp)) {
        if (tcp->keepalive_probes >= TCP_KEEPALIVE_PROBES_MAX) {
            tcp_send_reset(tcp);
            tcp_drop(tcp, SERVE_CLOSED_TIMEOUT);
            return;
        }
        tcp->keepalive_probes++;
        if (tcp->snd.una == tcp->snd.max) // else retransmission finds out
            tcp_transmit(tcp, tcp->snd.una - 1, 0, TCP_ACK); // RFC 9293 3.8.4
    }
    tcp_start_idle_timer(tcp);
}

void tcp_timers_init(struct serve_tcp *tcp) {
    tcp->retransmit_timer.on_timer = on_retransmit_timer;
    tcp->ack_timer.on_timer = on_ack_timer;
    tcp->idle_timer.on_timer = on_idle_timer;
    tcp->retransmit_timer.user = tcp->ack_timer.user = tcp->idle_timer.user = tcp;
}

void tcp_timers_stop(struct serve_tcp *tcp) {
    wheel_stop(&tcp->net->wheel, &tcp->retransmit_timer);
    wheel_stop(&tcp->net->wheel, &tcp->ack_timer);
    wheel_stop(&tcp->net->wheel, &tcp->idle_timer);
}
