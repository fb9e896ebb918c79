// ICMP (RFC 792): answers echo requests, tells of closed UDP ports, and hears of destinations that cannot be reached.
#include "net/checksum.h"
#include "net/net.h"

enum {
    ECHO_REPLY = 0,
    UNREACHABLE = 3,
    ECHO_REQUEST = 8,
    CODE_PORT = 3,
    CODE_FRAGMENTATION_NEEDED = 4,
    HEADER_BYTES = 8,
    QUOTED_BYTES = 8, // of the datagram's payload, besides its header
};

static void send(struct net *net, uint32_t to, size_t message_bytes) {
    uint8_t *message = ipv4_payload(net);
    store_be16(message + 2, 0);
    checksum_store(message + 2, checksum_finish(checksum_add(0, message, message_bytes)));
    ipv4_output(net, to, IPV4_ICMP, message_bytes);
}

static void answer_echo(struct net *net, const struct ipv4_packet *packet) {
    if (packet->broadcast || packet->payload_bytes > net->mtu - IPV4_HEADER_BYTES)
        return;
    uint8_t *message = ipv4_payload(net);
    memcpy(message, packet->payload, packet->payload_bytes);
    message[0] = ECHO_REPLY;
    send(net, packet->from, packet->payload_bytes);
}

// What RFC 1191 5 takes where a router does not tell the next MTU: the next lower of these.
static uint32_t plateau_below(uint32_t mtu) {
    static const uint16_t plateaus[] = {8166, 4352, 2002, 1492, 1006};
    for (size_t i = 0; i < COUNT_OF(plateaus); i++)
        if (plateaus[i] < mtu)
            return plateaus[i];
    return NET_MTU_MIN;
}

static void hear_unreachable(struct net *net, const struct ipv4_packet *packet) {
    if (packet->payload_bytes < HEADER_BYTES + IPV4_HEADER_BYTES)
        return;
    const uint8_t *quoted = packet->payload + HEADER_BYTES;
    size_t quoted_bytes = packet->payload_bytes - HEADER_BYTES, header_bytes = (size_t)(quoted[0] & 15) * 4;
    if (quoted[0] >> 4 != 4 || header_bytes < IPV4_HEADER_BYTES || quoted_bytes < header_bytes + QUOTED_BYTES)
        return;
    if (load_be32(quoted + 12) != net->ipv4 || quoted[9] != IPV4_TCP)
        return;
    uint32_t next_mtu = 0;
    if (packet->payload[1] == CODE_FRAGMENTATION_NEEDED) {
        next_mtu = load_be16(packet->payload + 6);
        if (next_mtu == 0)
            next_mtu = plateau_below(load_be16(quoted + 2));
        if (next_mtu < NET_MTU_MIN)
            next_mtu = NET_MTU_MIN;
    }
    tcp_unreachable(net, load_be32(quoted + 16), quoted + header_bytes, next_mtu);
}

void icmp_input(struct net *net, const struct ipv4_packet *packet) {
    if (packet->payload_bytes < HEADER_BYTES)
        return;
    if (checksum_finish(checksum_add(0, packet->payload, packet->payload_bytes)) != 0) {
        net->counters.checksum_errors++;
        return;
    }
    if (packet->payload[0] == ECHO_REQUEST && packet->payload[1] == 0)
        answer_echo(net, packet);
    else if (packet->payload[0] == UNREACHABLE)
        hear_unreachable(net, packet);
}

void icmp_port_unreachable(struct net *net, const struct ipv4_packet *packet) {
    // RFC 1122 3.2.2: never about a broadcast; RFC 1812 4.3.2.8: no more of them than helps.
    if (packet->broadcast || !rate_limit_pass(&net->icmp_errors, net->now_ns, NS_PER_S / 100, 10))
        return;
    size_t payload_bytes = packet->payload_bytes < QUOTED_BYTES ? packet->payload_bytes : QUOTED_BYTES;
    size_t quoted_bytes = packet->header_bytes + payload_bytes;
    uint8_t *message = ipv4_payload(net);
    memset(message, 0, HEADER_BYTES);
    message[0] = UNREACHABLE;
    message[1] = CODE_PORT;
    memcpy(message + HEADER_BYTES, packet->header, quoted_bytes);
    send(net, packet->from, HEADER_BYTES + quoted_bytes);
}
