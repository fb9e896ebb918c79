// Ethernet, ARP, IPv4, ICMP and UDP: frames in, frames out.
#include <string.h>

#include "check.h"
#include "net/checksum.h"
#include "net/net.h"

enum { OWN = 0x0a000002, PEER = 0x0a000001, GATEWAY = 0x0a000009, FAR = 0x08080808, FRAMES_MAX = 32 };

struct frame {
    size_t bytes;
    uint8_t data[1600];
};

static struct {
    struct net net;
    uint64_t now_ns;
    struct frame in;
    bool waits;
    struct frame out[FRAMES_MAX];
    uint32_t out_count;
    uint8_t memory[1 << 20];
} host;

static const uint8_t own_ethernet[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t peer_ethernet[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

static bool read_frame(void *context, uint8_t *data, size_t room, size_t *bytes) {
    (void)context;
    if (!host.waits)
        return false;
    CHECK(host.in.bytes <= room, "room");
    host.waits = false;
    memcpy(data, host.in.data, host.in.bytes);
    *bytes = host.in.bytes;
    return true;
}

static void write_frame(void *context, const uint8_t *data, size_t bytes) {
    (void)context;
    CHECK(host.out_count < FRAMES_MAX && bytes <= 1514, "%zu bytes", bytes);
    CHECK(memcmp(data + 6, own_ethernet, 6) == 0, "the sender's address");
    struct frame *frame = &host.out[host.out_count++];
    frame->bytes = bytes;
    memcpy(frame->data, data, bytes);
}

static void batch(void) {
    host.out_count = 0;
    while (net_batch(&host.net, host.now_ns))
        continue;
}

static void put(const uint8_t *to, uint16_t type, const uint8_t *packet, size_t bytes) {
    memcpy(host.in.data, to, 6);
    memcpy(host.in.data + 6, peer_ethernet, 6);
    store_be16(host.in.data + 12, type);
    memcpy(host.in.data + 14, packet, bytes);
    host.in.bytes = 14 + bytes;
    host.waits = true;
    batch();
}

static void wait_ms(uint64_t ms) {
    uint64_t end_ns = host.now_ns + ms * 1000000;
    host.out_count = 0;
    for (uint64_t next_ns; (next_ns = net_deadline_ns(&host.net)) <= end_ns;) {
        host.now_ns = next_ns;
        net_batch(&host.net, next_ns);
    }
    host.now_ns = end_ns;
    net_batch(&host.net, end_ns);
}

static void start(uint32_t gateway) {
    memset(&host, 0, sizeof host);
    host.now_ns = 1000 * NS_PER_S;
    struct net_config config = {
        .device = {.read = read_frame, .write = write_frame},
        .device_mtu = 1500,
        .mtu = 1500,
        .ipv4 = OWN,
        .ipv4_mask = 0xffffff00,
        .ipv4_gateway = gateway,
        .connections_max = 4,
        .receive_buffer_bytes = 8192,
        .send_buffer_bytes = 8192,
        .memory = host.memory,
        .memory_bytes = sizeof host.memory,
        .now_ns = host.now_ns,
    };
    memcpy(config.ethernet.bytes, own_ethernet, 6);
    CHECK(net_init(&host.net, &config), "net_init");
}

static size_t make_arp(uint8_t *packet, uint16_t operation, uint32_t sender, uint32_t target) {
    static const uint8_t begin[] = {0, 1, 8, 0, 6, 4};
    memset(packet, 0, 28);
    memcpy(packet, begin, sizeof begin);
    store_be16(packet + 6, operation);
    memcpy(packet + 8, peer_ethernet, 6);
    store_be32(packet + 14, sender);
    store_be32(packet + 24, target);
    return 28;
}

static void learn_peer(uint32_t ipv4) {
    uint8_t packet[28];
    put(own_ethernet, ETHERNET_TYPE_ARP, packet, make_arp(packet, 1, ipv4, OWN));
}

static size_t make_ipv4(uint8_t *packet, uint32_t from, uint32_t to, uint8_t protocol, size_t payload_bytes) {
    memset(packet, 0, 20);
    packet[0] = 0x45, packet[8] = 64, packet[9] = protocol;
    store_be16(packet + 2, (uint16_t)(20 + payload_bytes));
    store_be32(packet + 12, from);
    store_be32(packet + 16, to);
    checksum_store(packet + 10, checksum_finish(checksum_add(0, packet, 20)));
    return 20 + payload_bytes;
}

static size_t make_ping(uint8_t *packet, uint32_t from, uint32_t to, size_t data_bytes) {
    uint8_t *icmp = packet + 20;
    memset(icmp, 0, 8);
    icmp[0] = 8, icmp[5] = 7, icmp[7] = 9;
    for (size_t i = 0; i < data_bytes; i++)
        icmp[8 + i] = (uint8_t)i;
    checksum_store(icmp + 2, checksum_finish(checksum_add(0, icmp, 8 + data_bytes)));
    return make_ipv4(packet, from, to, IPV4_ICMP, 8 + data_bytes);
}

static size_t make_udp(uint8_t *packet, uint32_t from, uint32_t to, uint16_t port, const char *text, bool checksum) {
    uint8_t *udp = packet + 20;
    size_t bytes = 8 + strlen(text);
    store_be16(udp, 5000);
    store_be16(udp + 2, port);
    store_be16(udp + 4, (uint16_t)bytes);
    store_be16(udp + 6, 0);
    memcpy(udp + 8, text, strlen(text));
    if (checksum)
        checksum_store(udp + 6, checksum_finish(checksum_add(checksum_pseudo(from, to, IPV4_UDP, bytes), udp, bytes)));
    return make_ipv4(packet, from, to, IPV4_UDP, bytes);
}

// What was sent, with its IPv4 header checked.
static const uint8_t *sent_ipv4(uint32_t index, uint32_t to, uint8_t protocol, const uint8_t *to_ethernet) {
    CHECK(index < host.out_count, "%u frames were sent", host.out_count);
    const uint8_t *data = host.out[index].data, *ip = data + 14;
    CHECK(load_be16(data + 12) == ETHERNET_TYPE_IPV4 && memcmp(data, to_ethernet, 6) == 0, "the Ethernet header");
    CHECK(ip[0] == 0x45 && ip[9] == protocol, "the IPv4 header");
    CHECK(load_be32(ip + 16) == to && load_be32(ip + 12) == OWN, "the addresses");
    CHECK(load_be16(ip + 2) == host.out[index].bytes - 14 && checksum_finish(checksum_add(0, ip, 20)) == 0, "IPv4");
    return ip + 20;
}

static void check_arp_sent(uint32_t index, uint16_t operation, const uint8_t *to, uint32_t target) {
    CHECK(index < host.out_count, "%u frames were sent", host.out_count);
    const uint8_t *data = host.out[index].data;
    CHECK(load_be16(data + 12) == ETHERNET_TYPE_ARP && memcmp(data, to, 6) == 0, "to whom");
    CHECK(load_be16(data + 20) == operation && load_be32(data + 28) == OWN && load_be32(data + 38) == target, "ARP");
    CHECK(memcmp(data + 22, own_ethernet, 6) == 0, "the sender");
}

static void test_arp(void) {
    uint8_t packet[64];
    start(0);
    check_arp_sent(0, 1, broadcast, OWN); // the announcement
    put(broadcast, ETHERNET_TYPE_ARP, packet, make_arp(packet, 1, PEER, OWN));
    check_arp_sent(0, 2, peer_ethernet, PEER);
    put(broadcast, ETHERNET_TYPE_ARP, packet, make_arp(packet, 1, 0, OWN)); // a probe (RFC 5227)
    check_arp_sent(0, 2, peer_ethernet, 0);
    put(broadcast, ETHERNET_TYPE_ARP, packet, make_arp(packet, 1, PEER, GATEWAY));
    CHECK(host.out_count == 0, "not for us");
    put(broadcast, ETHERNET_TYPE_ARP, packet, make_arp(packet, 1, FAR, OWN));
    CHECK(host.out_count == 0, "from outside the network");
    put(broadcast, ETHERNET_TYPE_ARP, packet, make_arp(packet, 1, OWN, OWN));
    CHECK(host.out_count == 0, "from somebody with our address");
    put(broadcast, ETHERNET_TYPE_ARP, packet, make_arp(packet, 1, PEER, OWN) - 1);
    CHECK(host.out_count == 0, "too short");
    put(peer_ethernet, ETHERNET_TYPE_ARP, packet, make_arp(packet, 1, PEER, OWN));
    CHECK(host.out_count == 0, "for another Ethernet address");
}

static void test_arp_waiting(void) {
    start(0);
    struct serve_udp *udp = net_udp_bind(&host.net, 0, NULL, NULL);
    struct serve_address peer = {PEER, 5000};
    host.out_count = 0;
    char text[2] = "a";
    for (int i = 0; i < 6; i++, text[0]++)
        CHECK(serve_udp_send(udp, &peer, text, 1), "send");
    CHECK(host.out_count == 1, "%u frames", host.out_count);
    check_arp_sent(0, 1, broadcast, PEER);
    uint8_t packet[28];
    put(own_ethernet, ETHERNET_TYPE_ARP, packet, make_arp(packet, 2, PEER, OWN));
    CHECK(host.out_count == ARP_WAITING_MAX, "%u frames waited", host.out_count);
    for (uint32_t i = 0; i < ARP_WAITING_MAX; i++)
        CHECK(sent_ipv4(i, PEER, IPV4_UDP, peer_ethernet)[8] == 'a' + i, "in order");
    CHECK(host.net.pool.units_free == host.net.pool.units, "leaked");

    // After a minute the entry is asked for again, at its owner; without an answer it goes.
    wait_ms(61000);
    serve_udp_send(udp, &peer, text, 1);
    sent_ipv4(0, PEER, IPV4_UDP, peer_ethernet);
    check_arp_sent(1, 1, peer_ethernet, PEER);
    wait_ms(1500);
    check_arp_sent(0, 1, peer_ethernet, PEER);
    wait_ms(2000);
    check_arp_sent(0, 1, broadcast, PEER);
    check_arp_sent(1, 1, broadcast, PEER);
    wait_ms(3000);
    CHECK(host.out_count == 0, "it went on");
    serve_udp_send(udp, &peer, text, 1);
    check_arp_sent(0, 1, broadcast, PEER);
    wait_ms(10000);
    CHECK(host.out_count == 3 && host.net.pool.units_free == host.net.pool.units, "%u, leaked", host.out_count);
}

static void test_icmp(void) {
    uint8_t packet[1500];
    start(0);
    learn_peer(PEER);
    size_t sizes[] = {0, 1, 56, 1472};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        put(own_ethernet, ETHERNET_TYPE_IPV4, packet, make_ping(packet, PEER, OWN, sizes[i]));
        const uint8_t *icmp = sent_ipv4(0, PEER, IPV4_ICMP, peer_ethernet);
        CHECK(icmp[0] == 0 && icmp[5] == 7 && memcmp(icmp + 8, packet + 28, sizes[i]) == 0, "the answer");
        CHECK(checksum_finish(checksum_add(0, icmp, 8 + sizes[i])) == 0, "its checksum");
    }
    make_ping(packet, PEER, OWN, 8);
    packet[30] ^= 1;
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, 36);
    CHECK(host.out_count == 0 && host.net.counters.checksum_errors == 1, "damaged");
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, make_ping(packet, PEER, 0x0a0000ff, 8));
    CHECK(host.out_count == 0, "to all");
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, make_ping(packet, PEER, FAR, 8));
    CHECK(host.out_count == 0, "for another host: we are no router");
    static const uint32_t nobody[] = {0, 0x7f000001, 0xe0000001, 0xffffffff, 0x0a0000ff, OWN, 0x00000001};
    for (size_t i = 0; i < COUNT_OF(nobody); i++) {
        put(own_ethernet, ETHERNET_TYPE_IPV4, packet, make_ping(packet, nobody[i], OWN, 8));
        CHECK(host.out_count == 0, "from %08x", nobody[i]);
    }
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, make_ping(packet, FAR, OWN, 8));
    CHECK(host.out_count == 0, "no way back");
}

static void test_ipv4(void) {
    uint8_t packet[1500], moved[1500];
    start(0);
    learn_peer(PEER);
    size_t bytes = make_ping(packet, PEER, OWN, 8);
    // Options are skipped.
    memcpy(moved, packet, 20);
    moved[0] = 0x47;
    memset(moved + 20, 1, 8);
    memcpy(moved + 28, packet + 20, bytes - 20);
    store_be16(moved + 2, (uint16_t)(bytes + 8));
    store_be16(moved + 10, 0);
    checksum_store(moved + 10, checksum_finish(checksum_add(0, moved, 28)));
    put(own_ethernet, ETHERNET_TYPE_IPV4, moved, bytes + 8);
    sent_ipv4(0, PEER, IPV4_ICMP, peer_ethernet);
    // Padding behind the datagram is not part of it.
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes + 18);
    CHECK(host.out_count == 1 && host.out[0].bytes == 14 + bytes, "padded");
    struct {
        const char *what;
        size_t at;
        uint8_t value;
    } wrong[] = {
        {"IPv6", 0, 0x65},          {"a short header", 0, 0x44},  {"a header beyond the end", 0, 0x4f},
        {"too long", 3, 200},       {"too short", 3, 19},         {"more fragments", 6, 0x20},
        {"a later fragment", 7, 1}, {"an unknown protocol", 9, 99},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        make_ping(packet, PEER, OWN, 8);
        packet[wrong[i].at] = wrong[i].value;
        store_be16(packet + 10, 0);
        checksum_store(packet + 10, checksum_finish(checksum_add(0, packet, 20)));
        put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes);
        CHECK(host.out_count == 0, "%s", wrong[i].what);
    }
    make_ping(packet, PEER, OWN, 8);
    packet[8]--; // without a new checksum
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes);
    CHECK(host.out_count == 0, "a damaged header");
    make_ping(packet, PEER, OWN, 8);
    store_be16(packet + 6, 0x4000); // "do not fragment" alone is no fragment
    store_be16(packet + 10, 0);
    checksum_store(packet + 10, checksum_finish(checksum_add(0, packet, 20)));
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes);
    CHECK(host.out_count == 1, "not fragmented");
    for (size_t cut = 0; cut < bytes; cut++) {
        put(own_ethernet, ETHERNET_TYPE_IPV4, packet, cut);
        CHECK(host.out_count == 0, "cut to %zu bytes", cut);
    }
}

static char received[2000];
static size_t received_count;

static void on_datagram(struct serve_udp *udp, const struct serve_address *peer, const uint8_t *bytes, size_t count,
                        void *user) {
    CHECK(peer->port == 5000 && user == &received, "peer or user");
    memcpy(received, bytes, count);
    received_count = count + 1;
    serve_udp_send(udp, peer, bytes, count);
}

static void test_udp(void) {
    uint8_t packet[1500];
    start(0);
    learn_peer(PEER);
    CHECK(net_udp_bind(&host.net, 7, on_datagram, received), "bind");
    CHECK(!net_udp_bind(&host.net, 7, on_datagram, received), "twice");
    const char *texts[] = {"", "a", "some words", "odd"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        for (int checksum = 0; checksum < 2; checksum++) {
            received_count = 0;
            put(own_ethernet, ETHERNET_TYPE_IPV4, packet, make_udp(packet, PEER, OWN, 7, texts[i], checksum));
            CHECK(received_count == strlen(texts[i]) + 1, "the size");
            CHECK(memcmp(received, texts[i], received_count - 1) == 0, "the data");
            const uint8_t *udp = sent_ipv4(0, PEER, IPV4_UDP, peer_ethernet);
            size_t bytes = 8 + strlen(texts[i]);
            CHECK(load_be16(udp) == 7 && load_be16(udp + 2) == 5000 && load_be16(udp + 4) == bytes, "header");
            uint64_t sum = checksum_pseudo(OWN, PEER, IPV4_UDP, bytes);
            CHECK(load_be16(udp + 6) != 0 && checksum_finish(checksum_add(sum, udp, bytes)) == 0, "checksum");
        }
    received_count = 0;
    size_t bytes = make_udp(packet, PEER, OWN, 7, "words", true);
    packet[29] ^= 4;
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes);
    make_udp(packet, PEER, OWN, 7, "words", false);
    packet[25] = 200; // longer than the datagram
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes);
    packet[25] = 7; // shorter than its header
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes);
    CHECK(received_count == 0, "damaged");
    put(broadcast, ETHERNET_TYPE_IPV4, packet, make_udp(packet, PEER, 0x0a0000ff, 7, "all", true));
    CHECK(received_count == 4, "to all");

    // A closed port is told of, within limits; but not to all.
    bytes = make_udp(packet, PEER, OWN, 8, "words", true);
    put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes);
    const uint8_t *icmp = sent_ipv4(0, PEER, IPV4_ICMP, peer_ethernet);
    CHECK(icmp[0] == 3 && icmp[1] == 3 && memcmp(icmp + 8, packet, 28) == 0, "port unreachable");
    CHECK(checksum_finish(checksum_add(0, icmp, 36)) == 0, "its checksum");
    uint32_t told = 1;
    for (int i = 0; i < 50; i++) {
        put(own_ethernet, ETHERNET_TYPE_IPV4, packet, bytes);
        told += host.out_count;
    }
    CHECK(told == 10, "%u times", told);
    wait_ms(1000);
    put(broadcast, ETHERNET_TYPE_IPV4, packet, make_udp(packet, PEER, 0x0a0000ff, 8, "all", true));
    CHECK(host.out_count == 0, "to all");

    struct serve_address peer = {PEER, 5000};
    static uint8_t much[1473];
    struct serve_udp *udp = net_udp_bind(&host.net, 0, on_datagram, NULL);
    host.out_count = 0;
    CHECK(serve_udp_send(udp, &peer, much, 1472) && host.out[0].bytes == 1514, "the longest");
    CHECK(!serve_udp_send(udp, &peer, much, 1473) && host.out_count == 1, "too long");
}

static void test_routes(void) {
    struct serve_address far = {FAR, 53}, all = {0xffffffff, 67}, own = {OWN, 1}, net = {0x0a0000ff, 67};
    start(0);
    struct serve_udp *udp = net_udp_bind(&host.net, 0, on_datagram, NULL);
    host.out_count = 0;
    CHECK(!serve_udp_send(udp, &far, "x", 1) && !serve_udp_send(udp, &own, "x", 1), "no way");
    CHECK(!net_tcp_connect(&host.net, &far, NULL, NULL) && !net_tcp_connect(&host.net, &all, NULL, NULL), "no way");
    CHECK(host.out_count == 0, "something was sent");
    CHECK(serve_udp_send(udp, &all, "x", 1) && serve_udp_send(udp, &net, "x", 1), "to all");
    sent_ipv4(0, 0xffffffff, IPV4_UDP, broadcast);
    sent_ipv4(1, 0x0a0000ff, IPV4_UDP, broadcast);
    start(GATEWAY);
    learn_peer(GATEWAY);
    udp = net_udp_bind(&host.net, 0, on_datagram, NULL);
    host.out_count = 0;
    CHECK(serve_udp_send(udp, &far, "x", 1), "by the gateway");
    sent_ipv4(0, FAR, IPV4_UDP, peer_ethernet);
    for (int i = 0; i < UDP_PORTS_MAX - 1; i++)
        CHECK(net_udp_bind(&host.net, 0, on_datagram, NULL), "bind");
    CHECK(!net_udp_bind(&host.net, 0, on_datagram, NULL), "too many");
}

int main(void) {
    test_arp();
    test_arp_waiting();
    test_icmp();
    test_ipv4();
    test_udp();
    test_routes();
    puts("the lower layers hold");
    return 0;
}
