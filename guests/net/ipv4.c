// IPv4 (RFC 791, RFC 1122 3.2.1). Options are skipped; fragments are neither sent nor taken.
#include "net/checksum.h"
#include "net/net.h"

enum {
    FLAG_DO_NOT_FRAGMENT = 0x4000,
    FRAGMENT_MASK = 0x3fff, // offset, and more fragments
    TTL = 64,
};

static const struct ethernet_address ethernet_broadcast = {{255, 255, 255, 255, 255, 255}};

static bool is_own_network(const struct net *net, uint32_t ipv4) {
    return (ipv4 & net->ipv4_mask) == (net->ipv4 & net->ipv4_mask);
}

bool ipv4_is_broadcast(const struct net *net, uint32_t ipv4) {
    if (ipv4 == UINT32_MAX)
        return true;
    // RFC 3021: networks of one or two addresses have no broadcast address.
    if (net->ipv4_mask >= 0xfffffffe)
        return false;
    return is_own_network(net, ipv4) && (ipv4 | net->ipv4_mask) == UINT32_MAX;
}

// RFC 1122 3.2.1.3: what is no host's address cannot be where a datagram comes from.
static bool is_host(const struct net *net, uint32_t ipv4) {
    uint8_t first = (uint8_t)(ipv4 >> 24);
    return first != 0 && first != 127 && first < 224 && !ipv4_is_broadcast(net, ipv4);
}

void ipv4_input(struct net *net, const uint8_t *packet, size_t packet_bytes, bool broadcast) {
    if (packet_bytes < IPV4_HEADER_BYTES || packet[0] >> 4 != 4)
        return;
    size_t header_bytes = (size_t)(packet[0] & 15) * 4, total_bytes = load_be16(packet + 2);
    // The frame may be longer: Ethernet pads short ones.
    if (header_bytes < IPV4_HEADER_BYTES || total_bytes < header_bytes || total_bytes > packet_bytes)
        return;
    if (checksum_finish(checksum_add(0, packet, header_bytes)) != 0) {
        net->counters.checksum_errors++;
        return;
    }
    struct ipv4_packet parsed = {
        .from = load_be32(packet + 12),
        .to = load_be32(packet + 16),
        .header = packet,
        .header_bytes = header_bytes,
        .payload = packet + header_bytes,
        .payload_bytes = total_bytes - header_bytes,
    };
    bool to_all = ipv4_is_broadcast(net, parsed.to);
    parsed.broadcast = broadcast || to_all;
    if ((parsed.to != net->ipv4 && !to_all) || parsed.from == net->ipv4 || !is_host(net, parsed.from)
        || (load_be16(packet + 6) & FRAGMENT_MASK) != 0)
        return;
    switch (packet[9]) {
    case IPV4_ICMP:
        icmp_input(net, &parsed);
        break;
    case IPV4_UDP:
        udp_input(net, &parsed);
        break;
    case IPV4_TCP:
        tcp_input(net, &parsed);
        break;
    }
}

bool ipv4_has_route(const struct net *net, uint32_t to) {
    if (to == net->ipv4)
        return false; // nothing loops back
    return ipv4_is_broadcast(net, to) || (is_host(net, to) && (is_own_network(net, to) || net->ipv4_gateway != 0));
}

bool ipv4_output(struct net *net, uint32_t to, enum ipv4_protocol protocol, size_t payload_bytes) {
    if (!ipv4_has_route(net, to))
        return false;
    uint8_t *frame = net->output + NET_FRAME_OFFSET, *header = frame + ETHERNET_HEADER_BYTES;
    size_t packet_bytes = IPV4_HEADER_BYTES + payload_bytes;
    header[0] = 0x45;
    header[1] = 0;
    store_be16(header + 2, (uint16_t)packet_bytes);
    store_be16(header + 4, 0); // RFC 6864 4.1: where nothing fragments, the identification says nothing
    store_be16(header + 6, FLAG_DO_NOT_FRAGMENT);
    header[8] = TTL;
    header[9] = (uint8_t)protocol;
    store_be16(header + 10, 0);
    store_be32(header + 12, net->ipv4);
    store_be32(header + 16, to);
    checksum_store(header + 10, checksum_finish(checksum_add(0, header, IPV4_HEADER_BYTES)));
    size_t frame_bytes = ETHERNET_HEADER_BYTES + packet_bytes;
    if (ipv4_is_broadcast(net, to))
        ethernet_output(net, frame, frame_bytes, ethernet_broadcast, ETHERNET_TYPE_IPV4);
    else
        arp_send(net, is_own_network(net, to) ? to : net->ipv4_gateway, frame, frame_bytes);
    return true;
}
