// UDP (RFC 768, RFC 1122 4.1).
#include "net/checksum.h"
#include "net/net.h"
#include "net/siphash.h"

enum {
    HEADER_BYTES = 8,
    EPHEMERAL_FIRST = 49152, // RFC 6335 6
    EPHEMERAL_COUNT = 65536 - EPHEMERAL_FIRST,
};

static struct serve_udp *find(struct net *net, uint16_t port) {
    for (struct serve_udp *udp = net->udp; udp < net->udp + UDP_PORTS_MAX; udp++)
        if (udp->net && udp->port == port)
            return udp;
    return NULL;
}

static uint16_t choose_port(struct net *net) {
    uint64_t seed[] = {net->now_ns};
    uint64_t start = siphash(net->secret, seed, COUNT_OF(seed));
    for (uint32_t i = 0;; i++) {
        uint16_t port = (uint16_t)(EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT);
        if (!find(net, port)) // there are far more ports than UDP_PORTS_MAX
            return port;
    }
}

struct serve_udp *net_udp_bind(struct net *net, uint16_t port, serve_on_datagram *on_datagram, void *user) {
    if (port == 0)
        port = choose_port(net);
    else if (find(net, port))
        return NULL;
    for (struct serve_udp *udp = net->udp; udp < net->udp + UDP_PORTS_MAX; udp++) {
        if (udp->net)
            continue;
        *udp = (struct serve_udp){.net = net, .port = port, .on_datagram = on_datagram, .user = user};
        return udp;
    }
    return NULL;
}

void udp_input(struct net *net, const struct ipv4_packet *packet) {
    const uint8_t *header = packet->payload;
    if (packet->payload_bytes < HEADER_BYTES)
        return;
    size_t datagram_bytes = load_be16(header + 4);
    if (datagram_bytes < HEADER_BYTES || datagram_bytes > packet->payload_bytes)
        return;
    if (load_be16(header + 6) != 0) { // 0: the sender made no checksum
        uint64_t sum = checksum_pseudo(packet->from, packet->to, IPV4_UDP, datagram_bytes);
        if (checksum_finish(checksum_add(sum, header, datagram_bytes)) != 0) {
            net->counters.checksum_errors++;
            return;
        }
    }
    struct serve_address peer = {.ipv4 = packet->from, .port = load_be16(header)};
    struct serve_udp *udp = find(net, load_be16(header + 2));
    if (udp)
        udp->on_datagram(udp, &peer, header + HEADER_BYTES, datagram_bytes - HEADER_BYTES, udp->user);
    else
        icmp_port_unreachable(net, packet);
}

bool serve_udp_send(struct serve_udp *udp, const struct serve_address *peer, const void *bytes, size_t bytes_count) {
    struct net *net = udp->net;
    if (bytes_count > net->mtu - IPV4_HEADER_BYTES - HEADER_BYTES)
        return false;
    size_t datagram_bytes = HEADER_BYTES + bytes_count;
    uint8_t *header = ipv4_payload(net);
    store_be16(header, udp->port);
    store_be16(header + 2, peer->port);
    store_be16(header + 4, (uint16_t)datagram_bytes);
    store_be16(header + 6, 0);
    uint64_t sum = checksum_pseudo(net->ipv4, peer->ipv4, IPV4_UDP, datagram_bytes);
    sum = checksum_add(sum, header, HEADER_BYTES);
    uint16_t checksum = checksum_finish(checksum_copy(sum, header + HEADER_BYTES, bytes, bytes_count));
    checksum_store(header + 6, checksum != 0 ? checksum : UINT16_MAX);
    return ipv4_output(net, peer->ipv4, IPV4_UDP, datagram_bytes);
}
