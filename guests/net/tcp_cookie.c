// SYN cookies (RFC 4987 3.6): when too many connections are half open, a SYN is answered without keeping anything. All
// that must be known later lies in our sequence number, and in our timestamp where the peer has those too.
//
//   sequence number   5 bits: the minute, 3 bits: which MSS, 24 bits: a hash that only we can make
//   timestamp         its last 6 bits: 4 for the window scale (15: none), 1 for SACK, 1 unused
#include "net/siphash.h"
#include "net/tcp.h"

enum { MINUTE_BITS = 5, MSS_BITS = 3, HASH_BITS = 24, OPTION_BITS = 6, NO_SCALE = 15 };

#define MINUTE_NS (1ull << 36) // 69 s
#define MINUTES_VALID 1        // besides the current one

static const uint16_t mss_values[1 << MSS_BITS] = {128, 536, 1220, 1360, 1400, 1440, 1460, 8960};

static sequence make(const struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *segment,
                     sequence peer_iss, uint64_t minute, uint32_t mss_index) {
    uint64_t words[] = {
        (uint64_t)packet->from << 32 | (uint32_t)segment->from_port << 16 | segment->to_port,
        TCP_HASH_COOKIE,
        (uint64_t)peer_iss << 32 | (uint32_t)minute << MSS_BITS | mss_index,
    };
    uint32_t hash = (uint32_t)siphash(net->secret, words, COUNT_OF(words)) & ((1u << HASH_BITS) - 1);
    uint32_t minute_bits = (uint32_t)minute & ((1u << MINUTE_BITS) - 1);
    return minute_bits << (MSS_BITS + HASH_BITS) | mss_index << HASH_BITS | hash;
}

void tcp_answer_with_cookie(struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *syn) {
    struct serve_tcp *tcp = net->tcp.passing; // lives only while the answer is written
    tcp_prepare(tcp, net, packet->from, syn->from_port, syn->to_port);
    tcp_take_syn_options(tcp, syn);
    uint32_t mss_index = (1 << MSS_BITS) - 1;
    while (mss_index > 0 && mss_values[mss_index] > tcp->snd.mss)
        mss_index--;
    tcp_start_sequence(tcp, make(net, packet, syn, syn->begin, net->now_ns / MINUTE_NS, mss_index));
    tcp->state = TCP_SYN_RECEIVED;
    if (tcp->has_timestamps) {
        uint32_t now = tcp_timestamp(tcp);
        uint32_t bits = (tcp->has_scale ? tcp->snd.scale : NO_SCALE) << 2 | (tcp->has_sack ? 2u : 0u);
        uint32_t timestamp = (now >> OPTION_BITS << OPTION_BITS) | bits;
        if (before(now, timestamp)) // it must not run ahead: later ones would look old
            timestamp -= 1u << OPTION_BITS;
        tcp->timestamp_offset += timestamp - now;
    } else {
        tcp->has_scale = tcp->has_sack = false; // there is no room to remember them
    }
    net->tcp.cookies_until_ns = net->now_ns + (MINUTES_VALID + 1) * MINUTE_NS;
    net->counters.tcp_cookies++;
    tcp_transmit(tcp, tcp->snd.iss, 0, TCP_SYN | TCP_ACK);
}

// The MSS that the cookie tells; 0: it is none of ours.
static uint16_t check(const struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *ack) {
    sequence cookie = ack->ack - 1;
    uint32_t mss_index = cookie >> HASH_BITS & ((1u << MSS_BITS) - 1);
    uint64_t now = net->now_ns / MINUTE_NS;
    for (uint64_t age = 0; age <= MINUTES_VALID && age <= now; age++)
        if (make(net, packet, ack, ack->begin - 1, now - age, mss_index) == cookie)
            return mss_values[mss_index];
    return 0;
}

bool tcp_take_cookie(struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *ack,
                     struct tcp_listener *listener, struct serve_tcp **tcp) {
    if (net->now_ns >= net->tcp.cookies_until_ns || (ack->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
        return false;
    // The SYN as it was, as far as it is remembered.
    struct tcp_segment syn = *ack;
    syn.flags = TCP_SYN;
    syn.begin = ack->begin - 1;
    syn.options.mss = check(net, packet, ack);
    if (syn.options.mss == 0)
        return false;
    if (ack->options.has_timestamp) {
        uint32_t bits = ack->options.timestamp_echo & ((1u << OPTION_BITS) - 1);
        syn.options.scale = (uint8_t)(bits >> 2);
        syn.options.has_scale = syn.options.scale != NO_SCALE;
        syn.options.sack_permitted = (bits & 2) != 0;
    }
    *tcp = tcp_create(net, packet->from, ack->from_port, ack->to_port);
    if (*tcp) {
        tcp_start_sequence(*tcp, ack->ack - 1);
        (*tcp)->snd.nxt = (*tcp)->snd.max = ack->ack;
        tcp_begin(*tcp, listener, &syn);
    }
    return true;
}
