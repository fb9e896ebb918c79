#include "net/checksum.h"
#include "net/tcp.h"

enum option {
    OPTION_END,
    OPTION_NOP,
    OPTION_MSS,
    OPTION_SCALE,
    OPTION_SACK_PERMITTED,
    OPTION_SACK,
    OPTION_TIMESTAMP = 8,
};

enum {
    MSS_BYTES = 4,
    SCALE_BYTES = 3,
    SACK_PERMITTED_BYTES = 2,
    TIMESTAMP_BYTES = 10,
    OPTIONS_BYTES_MAX = 40,
    SCALE_MAX = 14, // RFC 7323 2.3
};

uint32_t tcp_timestamp(const struct serve_tcp *tcp) {
    return (uint32_t)(tcp->net->now_ns / 1000000) + tcp->timestamp_offset;
}

// Reading -------------------------------------------------------------------------------------------------------------

static void parse_option(struct tcp_options *options, const uint8_t *option, size_t size, bool syn) {
    if (option[0] == OPTION_MSS && size == MSS_BYTES && syn) {
        options->mss = load_be16(option + 2);
    } else if (option[0] == OPTION_SCALE && size == SCALE_BYTES && syn) {
        options->has_scale = true;
        options->scale = option[2] < SCALE_MAX ? option[2] : SCALE_MAX;
    } else if (option[0] == OPTION_SACK_PERMITTED && size == SACK_PERMITTED_BYTES && syn) {
        options->sack_permitted = true;
    } else if (option[0] == OPTION_SACK && size >= 10 && (size - 2) % 8 == 0) {
        options->sack_count = 0;
        for (size_t at = 2; at < size && options->sack_count < TCP_SACK_BLOCKS_MAX; at += 8)
            options->sack[options->sack_count++] =
                (struct sequence_range){load_be32(option + at), load_be32(option + at + 4)};
    } else if (option[0] == OPTION_TIMESTAMP && size == TIMESTAMP_BYTES) {
        options->has_timestamp = true;
        options->timestamp = load_be32(option + 2);
        options->timestamp_echo = load_be32(option + 6);
    }
}

static void parse_options(struct tcp_options *options, const uint8_t *at, const uint8_t *end, bool syn) {
    *options = (struct tcp_options){0};
    while (at < end && *at != OPTION_END) {
        if (*at == OPTION_NOP) {
            at++;
            continue;
        }
        // RFC 9293 3.1: every other option has its size; a wrong one makes the rest unreadable.
        size_t size = end - at >= 2 ? at[1] : 0;
        if (size < 2 || size > (size_t)(end - at))
            return;
        parse_option(options, at, size, syn);
        at += size;
    }
}

bool tcp_parse(struct net *net, const struct ipv4_packet *packet, struct tcp_segment *segment) {
    const uint8_t *header = packet->payload;
    if (packet->payload_bytes < TCP_HEADER_BYTES)
        return false;
    size_t header_bytes = (size_t)(header[12] >> 4) * 4;
    if (header_bytes < TCP_HEADER_BYTES || header_bytes > packet->payload_bytes)
        return false;
    uint64_t sum = checksum_pseudo(packet->from, packet->to, IPV4_TCP, packet->payload_bytes);
    if (checksum_finish(checksum_add(sum, header, packet->payload_bytes)) != 0) {
        net->counters.checksum_errors++;
        return false;
    }
    segment->from_port = load_be16(header);
    segment->to_port = load_be16(header + 2);
    segment->begin = load_be32(header + 4);
    segment->ack = load_be32(header + 8);
    segment->flags = header[13];
    segment->window = load_be16(header + 14);
    segment->data = header + header_bytes;
    segment->data_bytes = (uint32_t)(packet->payload_bytes - header_bytes);
    parse_options(&segment->options, header + TCP_HEADER_BYTES, segment->data, (segment->flags & TCP_SYN) != 0);
    return true;
}

// Writing -------------------------------------------------------------------------------------------------------------

static uint32_t sack_blocks(const struct serve_tcp *tcp) {
    if (!tcp->has_sack)
        return 0;
    uint32_t most = tcp->has_timestamps ? TCP_SACK_BLOCKS_MAX - 1 : TCP_SACK_BLOCKS_MAX;
    return tcp->gapped.count < most ? tcp->gapped.count : most;
}

uint32_t tcp_options_bytes(const struct serve_tcp *tcp) {
    uint32_t blocks = sack_blocks(tcp);
    return (tcp->has_timestamps ? 12u : 0u) + (blocks > 0 ? 4 + 8 * blocks : 0u);
}

static uint8_t *put_timestamp(const struct serve_tcp *tcp, uint8_t *at) {
    at[0] = at[1] = OPTION_NOP;
    at[2] = OPTION_TIMESTAMP;
    at[3] = TIMESTAMP_BYTES;
    store_be32(at + 4, tcp_timestamp(tcp));
    store_be32(at + 8, tcp->rcv.timestamp);
    return at + 12;
}

static uint8_t *put_block(uint8_t *at, struct sequence_range range) {
    store_be32(at, range.begin);
    store_be32(at + 4, range.end);
    return at + 8;
}

static uint8_t *put_sack(const struct serve_tcp *tcp, uint8_t *at, uint32_t blocks) {
    at[0] = at[1] = OPTION_NOP;
    at[2] = OPTION_SACK;
    at[3] = (uint8_t)(2 + 8 * blocks);
    at += 4;
    // RFC 2018 4: first the block with the segment that arrived last. Then the lowest, which are wanted first.
    const struct sequence_range *ranges = tcp->gapped.ranges;
    uint32_t latest = 0;
    while (latest + 1 < tcp->gapped.count && at_or_before(ranges[latest].end, tcp->rcv.sacked))
        latest++;
    at = put_block(at, ranges[latest]);
    for (uint32_t i = 0, left = blocks - 1; left > 0; i++) {
        if (i == latest)
            continue;
        at = put_block(at, ranges[i]);
        left--;
    }
    return at;
}

static uint8_t *put_syn_options(const struct serve_tcp *tcp, uint8_t *at) {
    at[0] = OPTION_MSS;
    at[1] = MSS_BYTES;
    store_be16(at + 2, (uint16_t)(tcp->net->mtu - IPV4_HEADER_BYTES - TCP_HEADER_BYTES));
    at += MSS_BYTES;
    // A SYN offers everything; the answer to one, what was offered.
    bool offer = tcp->state == TCP_SYN_SENT;
    if (offer || tcp->has_sack) {
        at[0] = at[1] = OPTION_NOP;
        at[2] = OPTION_SACK_PERMITTED;
        at[3] = SACK_PERMITTED_BYTES;
        at += 4;
    }
    if (offer || tcp->has_timestamps)
        at = put_timestamp(tcp, at);
    if (offer || tcp->has_scale) {
        at[0] = OPTION_NOP;
        at[1] = OPTION_SCALE;
        at[2] = SCALE_BYTES;
        at[3] = tcp->rcv.scale;
        at += 4;
    }
    return at;
}

// Writes the header's fields but its checksum, and adds header and options to the sum.
static uint64_t finish_header(uint64_t sum, uint8_t *header, size_t header_bytes, const struct tcp_segment *segment) {
    store_be16(header, segment->from_port);
    store_be16(header + 2, segment->to_port);
    store_be32(header + 4, segment->begin);
    store_be32(header + 8, segment->ack);
    header[12] = (uint8_t)(header_bytes / 4 << 4);
    header[13] = segment->flags;
    store_be16(header + 14, segment->window);
    store_be32(header + 16, 0); // checksum and urgent pointer
    return checksum_add(sum, header, header_bytes);
}

void tcp_transmit(struct serve_tcp *tcp, sequence begin, uint32_t data_bytes, uint8_t flags) {
    struct net *net = tcp->net;
    uint8_t *header = ipv4_payload(net), *at = header + TCP_HEADER_BYTES;
    struct tcp_segment segment = {
        .from_port = tcp->port,
        .to_port = tcp->peer_port,
        .begin = begin,
        .ack = (flags & TCP_ACK) != 0 ? tcp->rcv.nxt : 0,
        .flags = flags,
    };
    if ((flags & TCP_SYN) != 0) {
        at = put_syn_options(tcp, at);
        segment.window = tcp_syn_window(tcp);
    } else {
        if (tcp->has_timestamps)
            at = put_timestamp(tcp, at);
        uint32_t blocks = sack_blocks(tcp);
        if (blocks > 0)
            at = put_sack(tcp, at, blocks);
        segment.window = tcp_offer_window(tcp);
    }
    size_t header_bytes = (size_t)(at - header);
    uint64_t sum = checksum_pseudo(net->ipv4, tcp->peer_ipv4, IPV4_TCP, header_bytes + data_bytes);
    sum = finish_header(sum, header, header_bytes, &segment);
    if (data_bytes > 0) {
        const uint8_t *data = byte_queue_front(&tcp->send) + (begin - tcp->snd.begin);
        sum = checksum_copy(sum, at, data, data_bytes);
        tcp->sent_ns = net->now_ns;
    }
    checksum_store(header + 16, checksum_finish(sum));
    tcp->rcv.timestamp_ack = tcp->rcv.nxt;
    tcp->rcv.unacked_bytes = 0;
    tcp->ack_now = false;
    wheel_stop(&net->wheel, &tcp->ack_timer);
    ipv4_output(net, tcp->peer_ipv4, IPV4_TCP, header_bytes + data_bytes);
}

void tcp_refuse(struct net *net, const struct ipv4_packet *packet, const struct tcp_segment *segment) {
    if ((segment->flags & TCP_RST) != 0 || !rate_limit_pass(&net->tcp.resets, net->now_ns, NS_PER_S / 1000, 1000))
        return;
    bool has_ack = (segment->flags & TCP_ACK) != 0;
    struct tcp_segment reset = {
        .from_port = segment->to_port,
        .to_port = segment->from_port,
        .begin = has_ack ? segment->ack : 0,
        .ack = has_ack ? 0 : segment->begin + tcp_segment_length(segment),
        .flags = has_ack ? TCP_RST : TCP_RST | TCP_ACK,
    };
    uint8_t *header = ipv4_payload(net);
    uint64_t sum = checksum_pseudo(net->ipv4, packet->from, IPV4_TCP, TCP_HEADER_BYTES);
    sum = finish_header(sum, header, TCP_HEADER_BYTES, &reset);
    checksum_store(header + 16, checksum_finish(sum));
    net->counters.tcp_resets_out++;
    ipv4_output(net, packet->from, IPV4_TCP, TCP_HEADER_BYTES);
}
