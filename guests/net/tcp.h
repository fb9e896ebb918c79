// TCP (RFC 9293), with window scaling and timestamps (RFC 7323), selective acknowledgements (RFC 2018, RFC 6675),
// congestion control (RFC 5681, RFC 6582, RFC 6928) and protection against blind attacks (RFC 5961, RFC 6528).
// Urgent data is taken as plain data.
//
//   tcp_table.c    connections: their memory, how they are found, how they begin and end
//   tcp_segment.c  segments: header and options, to and from bytes
//   tcp_input.c    what arrives: is it acceptable, and what does it do to the state
//   tcp_cookie.c   answers to SYNs when there are too many
//   tcp_ack.c      acknowledgements that arrive: round-trip time, send buffer, window
//   tcp_loss.c     congestion control and loss recovery
//   tcp_receive.c  data that arrives: order, buffer, the application's callbacks
//   tcp_output.c   what is sent when
//   tcp_timer.c    timers
//   tcp_serve.c    the application's calls
#ifndef TCP_H
#define TCP_H

#include "net/net.h"
#include "net/sequence.h"
#include "serve/byte_queue.h"

enum tcp_state {
    TCP_CLOSED,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    TCP_TIME_WAIT,
};

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

enum {
    TCP_HEADER_BYTES = 20,
    TCP_MSS_DEFAULT = 536,         // RFC 9293 3.7.1
    TCP_MSS_MIN = 128,             // smaller offers are not believed: options must leave room for data
    TCP_DUPLICATES_MAX = 3,        // DupThresh of RFC 5681 and RFC 6675
    TCP_SYN_RETRIES_MAX = 5,       // 63 s in all
    TCP_RETRIES_MAX = 12,          // about 5 minutes in all
    TCP_KEEPALIVE_PROBES_MAX = 8,
    TCP_SACK_BLOCKS_MAX = 4,
};

#define TCP_RTO_INITIAL_US 1000000u // RFC 6298 2.1
#define TCP_RTO_SPARE_US 200000u    // at least this over the mean; RFC 6298 2.4 has 1 s, all of today's peers have this
#define TCP_RTO_MAX_US 60000000u
#define TCP_PROBE_MIN_US 10000u     // RFC 8985 7.2 waits for two round trips; timers and delayed work take theirs
#define TCP_REORDER_MIN_US 1000u
#define TCP_ACK_DELAY_NS (40 * 1000000ull) // RFC 9293 3.8.6.3: below 500 ms
#define TCP_TIME_WAIT_NS (60 * NS_PER_S)
#define TCP_LINGER_NS (10 * NS_PER_S)       // for a closed connection's peer to end its side
#define TCP_CLOSED_STALL_NS (60 * NS_PER_S) // without progress, for a closed connection's data
#define TCP_CHALLENGE_INTERVAL_NS (100 * 1000000ull)

struct tcp_options {
    uint16_t mss; // 0: absent
    bool has_scale, has_timestamp, sack_permitted;
    uint8_t scale;
    uint8_t sack_count;
    uint32_t timestamp, timestamp_echo;
    struct sequence_range sack[TCP_SACK_BLOCKS_MAX];
};

// A segment that arrived; or one to be sent, where `data` is in the send buffer.
struct tcp_segment {
    uint16_t from_port, to_port;
    sequence begin;
    sequence ack;
    uint8_t flags;
    uint16_t window; // as in the header, not scaled
    const uint8_t *data;
    uint32_t data_bytes;
    struct tcp_options options;
};

// What it takes of the sequence space: SEG.LEN.
static inline uint32_t tcp_segment_length(const struct tcp_segment *segment) {
    return segment->data_bytes + ((segment->flags & TCP_SYN) != 0) + ((segment->flags & TCP_FIN) != 0);
}

enum tcp_recovery {
    TCP_RECOVERY_NONE,
    TCP_RECOVERY_FAST,    // from duplicate acknowledgements, up to recovery_point
    TCP_RECOVERY_TIMEOUT, // everything from snd.una on is sent again, up to recovery_point
};

// What the retransmission timer waits for.
enum tcp_waiting {
    TCP_WAITING_TIMEOUT, // RFC 6298; or for a window to open
    TCP_WAITING_PROBE,   // the tail loss probe of RFC 8985 7
    TCP_WAITING_REORDER, // a gap may still be filled by a segment that is late (RFC 8985 6)
};

struct serve_tcp {
    struct net *net;
    struct serve_tcp *next; // in its hash bucket, or of the free ones
    struct list dirty, events;
    struct list waiting; // for memory, or for TIME_WAIT to end
    const struct serve_tcp_callbacks *callbacks;
    void *user;
    struct tcp_listener *listener; // in SYN_RECEIVED, when it came from one
    uint32_t peer_ipv4;
    uint16_t peer_port, port;
    uint8_t state;           // enum tcp_state
    uint8_t closed_reason;   // enum serve_closed
    bool known : 1;          // to the application: on_closed is owed
    bool closed_due : 1;     // events: on_closed ...
    bool writable_due : 1;   // on_writable ...
    bool resume_due : 1;     // on_data is to be called
    bool wants_writable : 1; // the application could not send all it wanted
    bool in_on_data : 1;     // the receive buffer must stay
    bool released : 1;       // the application closed it: what arrives is dropped
    bool fin_queued : 1;     // FIN follows the send buffer's last byte
    bool fin_arrived : 1;    // at rcv.fin, perhaps behind a gap
    bool timed_out : 1;      // closed by the idle timeout
    bool nagle : 1;
    bool has_timestamps : 1, has_sack : 1, has_scale : 1;
    bool ack_now : 1;        // with the next flush, alone if need be
    bool output_forced : 1;  // a small segment waited long enough
    bool resend_first : 1;   // the segment at snd.una, with the next flush
    bool probed : 1;         // the tail of what is in flight was sent again, to hear of losses
    bool probe_again : 1;    // that probe was a retransmission, up to probe_end
    bool arrived_twice : 1;  // the peer said so (RFC 2883)
    bool gaps_lost : 1;      // they had their time
    bool rtt_timed : 1;      // the arrival of rtt_end is timed (without timestamps)

    struct {
        sequence iss;
        sequence una;   // oldest unacknowledged
        sequence nxt;   // next to send; behind max while everything is sent again
        sequence max;   // end of all that was ever sent
        sequence begin; // of the first byte in `send`
        sequence wl1, wl2; // the segment that the window is from
        uint32_t wnd, wnd_max;
        uint16_t mss; // without options
        uint8_t scale;
    } snd;

    struct {
        sequence irs;
        sequence nxt;
        sequence adv; // right edge of the window that the peer was told
        sequence fin;
        sequence sacked; // begin of the block that arrived last
        uint32_t unacked_bytes; // arrived since the last acknowledgement was sent
        uint32_t largest;       // segment that arrived
        uint32_t timestamp; // TS.Recent
        sequence timestamp_ack; // Last.ACK.sent
        uint64_t timestamp_ns; // when TS.Recent was set
        uint8_t scale;
    } rcv;

    // Congestion control and loss recovery; in bytes.
    uint32_t cwnd, ssthresh;
    uint32_t cwnd_acked; // acknowledged since cwnd grew last in congestion avoidance
    uint8_t recovery;    // enum tcp_recovery
    uint8_t duplicates;
    uint8_t backoff;     // doublings of the retransmission timeout
    uint8_t unanswered;  // retransmissions or probes since the peer last made progress
    uint8_t keepalive_probes;
    sequence recovery_point;
    sequence first_resent_max; // snd.max when the first segment was sent again
    sequence probe_end;
    uint8_t waiting_for; // enum tcp_waiting
    sequence resent; // HighRxt of RFC 6675: all below was sent again in this recovery

    uint32_t srtt_us, rttvar_us; // 0: no sample yet
    uint32_t rto_us;
    sequence rtt_end;
    uint64_t rtt_begin_ns;
    uint32_t timestamp_offset;
    uint32_t timeout_timestamp; // of the last timeout

    uint64_t sent_ns;      // last segment with data
    uint64_t heard_ns;     // last acceptable segment
    uint64_t progress_ns;  // last data or new acknowledgement
    uint64_t challenge_ns; // last challenge acknowledgement
    uint64_t idle_timeout_ns, keepalive_ns; // 0: none

    struct serve_timer retransmit_timer; // also: persist, TIME_WAIT, linger
    struct serve_timer ack_timer;
    struct serve_timer idle_timer; // idle timeout, keep-alive
    struct byte_queue send, receive;
    struct sequence_set sacked; // of what was sent
    struct sequence_set gapped; // what arrived behind a gap; its bytes lie in `receive`
};

// tcp_table.c ---------------------------------------------------------------------------------------------------------

// What the secret hash of a connection's addresses and ports is taken for; each gives another one.
enum tcp_hash { TCP_HASH_BUCKET, TCP_HASH_SEQUENCE, TCP_HASH_TIMESTAMP, TCP_HASH_PORT, TCP_HASH_COOKIE };

struct serve_tcp *tcp_find(struct net *net, uint32_t peer_ipv4, uint16_t peer_port, uint16_t port);
// Makes a connection in TCP_CLOSED, with its initial sequence number.
void tcp_prepare(struct serve_tcp *tcp, struct net *net, uint32_t peer_ipv4, uint16_t peer_port, uint16_t port);
void tcp_start_sequence(struct serve_tcp *tcp, sequence iss);
// A prepared connection, in the table. NULL: none is free.
struct serve_tcp *tcp_create(struct net *net, uint32_t peer_ipv4, uint16_t peer_port, uint16_t port);
struct tcp_listener *tcp_find_listener(struct net *net, uint16_t port);
uint16_t tcp_choose_port(struct net *net, const struct serve_address *to);
// Ends the connection at once; on_closed is called later, if the application knows of it.
void tcp_drop(struct serve_tcp *tcp, enum serve_closed reason);
// Both sides have ended. on_closed is owed when the application has consumed all that arrived.
void tcp_enter_time_wait(struct serve_tcp *tcp);
void tcp_end_if_read(struct serve_tcp *tcp);

// tcp_segment.c -------------------------------------------------------------------------------------------------------

// False: malformed or damaged.
bool tcp_parse(struct net *net, const struct ipv4_packet *packet, struct tcp_segment *segment);
// The connection's timestamp clock, of a millisecond (RFC 7323 5.4).
uint32_t tcp_timestamp(const struct serve_tcp *tcp);
// The bytes of options that a segment without SYN carries now.
uint32_t tcp_options_bytes(const struct serve_tcp *tcp);
// Sends a segment with the current acknowledgement, window and options.
void tcp_transmit(struct serve_tcp *tcp, sequence begin, uint32_t data_bytes, uint8_t flags);
// Answers a segment that belongs to no connection (RFC 9293 3.10.7.1).
void tcp_refuse(struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *segment);

// tcp_input.c ---------------------------------------------------------------------------------------------------------

void tcp_take_syn_options(struct serve_tcp *tcp, const struct tcp_segment *syn);
// The connection is half open from now on.
void tcp_begin(struct serve_tcp *tcp, struct tcp_listener *listener, const struct tcp_segment *syn);

// tcp_cookie.c --------------------------------------------------------------------------------------------------------

void tcp_answer_with_cookie(struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *syn);
// Whether a segment without a connection is the answer to a cookie; *tcp is its connection then, half open, or NULL
// where none is free.
bool tcp_take_cookie(struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *ack,
                     struct tcp_listener *listener, struct serve_tcp **tcp);

// tcp_ack.c -----------------------------------------------------------------------------------------------------------

// False: the segment is not acceptable and must be dropped.
bool tcp_take_ack(struct serve_tcp *tcp, const struct tcp_segment *segment);
void tcp_set_window(struct serve_tcp *tcp, const struct tcp_segment *segment);
void tcp_sample_rtt(struct serve_tcp *tcp, const struct tcp_segment *segment);

// tcp_loss.c ----------------------------------------------------------------------------------------------------------

// The payload of a full segment.
static inline uint32_t tcp_segment_max(const struct serve_tcp *tcp) {
    return tcp->snd.mss - (tcp->has_timestamps ? 12u : 0u);
}
uint32_t tcp_initial_window(const struct serve_tcp *tcp);
uint32_t tcp_sacked_bytes(const struct serve_tcp *tcp, sequence end);
void tcp_loss_on_acked(struct serve_tcp *tcp, uint32_t acked, uint32_t flight);
void tcp_loss_on_duplicate(struct serve_tcp *tcp);
void tcp_loss_on_timeout(struct serve_tcp *tcp);
// The peer told of more that arrived behind gaps.
void tcp_loss_on_sack(struct serve_tcp *tcp);
// Gaps were there for long enough.
void tcp_loss_on_reorder_timeout(struct serve_tcp *tcp);
// In fast recovery with SACK: whether the network may take another segment now ...
bool tcp_loss_may_send_new(const struct serve_tcp *tcp);
// ... and which bytes to send again: NextSeg() of RFC 6675 4, rule 1; or rule 3, where not only what is lost for sure
// is wanted.
bool tcp_loss_next(const struct serve_tcp *tcp, bool lost_only, struct sequence_range *next);

// tcp_receive.c -------------------------------------------------------------------------------------------------------

// The window of a SYN's header, which is never scaled (RFC 7323 2.2).
uint16_t tcp_syn_window(const struct serve_tcp *tcp);
// The window as any other header has it; moves rcv.adv.
uint16_t tcp_offer_window(struct serve_tcp *tcp);
// Data, and FIN after it, of an acceptable segment.
void tcp_receive(struct serve_tcp *tcp, const struct tcp_segment *segment);
// Offers the receive buffer to the application.
void tcp_deliver(struct serve_tcp *tcp);

// tcp_output.c --------------------------------------------------------------------------------------------------------

static inline sequence tcp_send_end(const struct serve_tcp *tcp) {
    return tcp->snd.begin + tcp->send.count;
}
static inline bool tcp_fin_acked(const struct serve_tcp *tcp) {
    return tcp->fin_queued && tcp->snd.una == tcp_send_end(tcp) + 1;
}
static inline void tcp_mark_dirty(struct serve_tcp *tcp) {
    list_append(&tcp->net->tcp.dirty, &tcp->dirty);
}
void tcp_output(struct serve_tcp *tcp);
void tcp_acknowledge_now(struct serve_tcp *tcp);
// RFC 5961 7: an acknowledgement for a segment that looks forged, but not for each.
void tcp_challenge(struct serve_tcp *tcp);
void tcp_send_syn(struct serve_tcp *tcp);
void tcp_send_reset(struct serve_tcp *tcp);
void tcp_send_probe(struct serve_tcp *tcp);
void tcp_send_tail_probe(struct serve_tcp *tcp);

// tcp_timer.c ---------------------------------------------------------------------------------------------------------

void tcp_timers_init(struct serve_tcp *tcp);
void tcp_timers_stop(struct serve_tcp *tcp);
void tcp_start_retransmit_timer(struct serve_tcp *tcp);
void tcp_restart_retransmit_timer(struct serve_tcp *tcp);
void tcp_start_ack_timer(struct serve_tcp *tcp);
void tcp_start_idle_timer(struct serve_tcp *tcp);

// tcp_serve.c ---------------------------------------------------------------------------------------------------------

// Calls on_writable when it was asked for and there is room.
void tcp_tell_writable(struct serve_tcp *tcp);
void tcp_close_idle(struct serve_tcp *tcp);

#endif
