#include "lib/echo.h"

// Places in an Ethernet frame (IEEE 802.3), an ARP packet (RFC 826), IPv4 (RFC 791), ICMP (RFC 792), UDP (RFC 768).
enum {
    ETHER_TO = 0,
    ETHER_FROM = 6,
    ETHER_TYPE = 12,
    TYPE_IPV4 = 0x0800,
    TYPE_ARP = 0x0806,

    ARP = 14,
    ARP_OPERATION = ARP + 6,
    ARP_SENDER_MAC = ARP + 8,
    ARP_SENDER_IP = ARP + 14,
    ARP_TARGET_MAC = ARP + 18,
    ARP_TARGET_IP = ARP + 24,
    ARP_END = ARP + 28,

    IP = 14,
    IP_LENGTH = IP + 2,
    IP_FRAGMENT = IP + 6,
    IP_PROTOCOL = IP + 9,
    IP_FROM = IP + 12,
    IP_TO = IP + 16,
    IP_HEADER_BYTES = 20,
    PROTOCOL_ICMP = 1,
    PROTOCOL_UDP = 17,

    ICMP_HEADER_BYTES = 8,
    ICMP_ECHO_REQUEST = 8,
    ICMP_ECHO_REPLY = 0,
    UDP_HEADER_BYTES = 8,
    UDP_PORT_ECHO = 7,
};

#define MAX_FRAME_BYTES 65550u

static void swap(uint8_t *a, uint8_t *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

static void turn_ether(const struct echo *self, uint8_t *frame) {
    memcpy(frame + ETHER_TO, frame + ETHER_FROM, 6);
    memcpy(frame + ETHER_FROM, self->mac, 6);
}

static bool answer_arp(const struct echo *self, uint8_t *frame, size_t size) {
    static const uint8_t ethernet_ipv4_request[] = {0, 1, 8, 0, 6, 4, 0, 1};
    if (size < ARP_END || memcmp(frame + ARP, ethernet_ipv4_request, sizeof ethernet_ipv4_request) != 0 ||
        memcmp(frame + ARP_TARGET_IP, self->address, 4) != 0)
        return false;
    store_be16(frame + ARP_OPERATION, 2);
    memcpy(frame + ARP_TARGET_MAC, frame + ARP_SENDER_MAC, 10);
    memcpy(frame + ARP_SENDER_MAC, self->mac, 6);
    memcpy(frame + ARP_SENDER_IP, self->address, 4);
    turn_ether(self, frame);
    return true;
}

// The sum (RFC 1071) changes by what the type's byte changes: a wrong sum stays wrong.
static bool answer_icmp(uint8_t *icmp, size_t size) {
    if (size < ICMP_HEADER_BYTES || icmp[0] != ICMP_ECHO_REQUEST)
        return false;
    uint32_t sum = load_be16(icmp + 2) + (ICMP_ECHO_REQUEST << 8);
    icmp[0] = ICMP_ECHO_REPLY;
    store_be16(icmp + 2, (uint16_t)(sum + (sum >> 16)));
    return true;
}

// Exchanging addresses and ports leaves the sums as they are.
static bool answer_udp(uint8_t *udp, size_t size) {
    if (size < UDP_HEADER_BYTES || load_be16(udp + 2) != UDP_PORT_ECHO || load_be16(udp) == UDP_PORT_ECHO)
        return false;
    swap(udp, udp + 2, 2);
    return true;
}

static bool answer_ipv4(const struct echo *self, uint8_t *frame, size_t size) {
    if (size < IP + IP_HEADER_BYTES || frame[IP] >> 4 != 4 || memcmp(frame + IP_TO, self->address, 4) != 0)
        return false;
    size_t header = (size_t)(frame[IP] & 15) * 4;
    size_t length = load_be16(frame + IP_LENGTH);
    bool fragment = (load_be16(frame + IP_FRAGMENT) & 0x3fff) != 0;
    if (header < IP_HEADER_BYTES || length < header || length > size - IP || fragment)
        return false;
    uint8_t *content = frame + IP + header;
    bool answered = frame[IP_PROTOCOL] == PROTOCOL_ICMP  ? answer_icmp(content, length - header)
                    : frame[IP_PROTOCOL] == PROTOCOL_UDP ? answer_udp(content, length - header)
                                                         : false;
    if (!answered)
        return false;
    swap(frame + IP_FROM, frame + IP_TO, 4);
    turn_ether(self, frame);
    return true;
}

bool echo_answer(const struct echo *self, uint8_t *frame, size_t size) {
    if (size < SOLO5_NET_HLEN)
        return false;
    switch (load_be16(frame + ETHER_TYPE)) {
    case TYPE_ARP:
        return answer_arp(self, frame, size);
    case TYPE_IPV4:
        return answer_ipv4(self, frame, size);
    default:
        return false;
    }
}

struct echo_port echo_open(const char *cmdline, const char *device, const char *option, const char *otherwise) {
    struct word value = {otherwise, strlen(otherwise)};
    struct echo_port port;
    struct solo5_net_info info;
    unsigned bits;
    find_option(cmdline, option, &value);
    if (!word_to_ipv4(value, port.self.address, &bits))
        fail("--%s needs an address such as 10.0.0.2/24, not '%.*s'", option, (int)value.size, value.at);
    if (solo5_net_acquire(device, &port.handle, &info) != SOLO5_R_OK)
        fail("device '%s' cannot be acquired", device);
    memcpy(port.self.mac, info.mac_address, sizeof port.self.mac);
    const uint8_t *m = port.self.mac, *a = port.self.address;
    print("%s: %u.%u.%u.%u/%u at %02x:%02x:%02x:%02x:%02x:%02x, mtu %zu\n", device, a[0], a[1], a[2], a[3], bits, m[0],
          m[1], m[2], m[3], m[4], m[5], info.mtu);
    return port;
}

// Answers what waits at one port; the queue is drained, for a wait costs more than a read that finds nothing.
static uint64_t drain(const struct echo_port *port, uint64_t limit) {
    static uint8_t frame[MAX_FRAME_BYTES];
    uint64_t answers = 0;
    size_t size;
    while (answers < limit && solo5_net_read(port->handle, frame, sizeof frame, &size) == SOLO5_R_OK) {
        if (!echo_answer(&port->self, frame, size))
            continue;
        if (solo5_net_write(port->handle, frame, size) != SOLO5_R_OK)
            fail("a frame of %zu bytes cannot be sent", size);
        answers++;
    }
    return answers;
}

void echo_serve(const struct echo_port *ports, size_t count, uint64_t limit) {
    const solo5_time_t never = (solo5_time_t)INT64_MAX;
    uint64_t answers = 0;
    while (answers < limit) {
        solo5_handle_set_t ready;
        solo5_yield(never, &ready);
        for (size_t i = 0; i < count; i++)
            if ((ready >> ports[i].handle & 1) != 0)
                answers += drain(&ports[i], limit - answers);
    }
}
