// Address resolution (RFC 826), with the timeouts that RFC 1122 2.3.2 asks for.
#include "net/net.h"

enum {
    HARDWARE_ETHERNET = 1,
    OPERATION_REQUEST = 1,
    OPERATION_REPLY = 2,
    PACKET_BYTES = 28,
    REQUESTS_MAX = 4, // without an answer; then waiting frames are dropped
};

#define CONFIRMED_FOR_NS (60 * NS_PER_S)
#define REQUEST_INTERVAL_NS NS_PER_S

static const struct ethernet_address broadcast = {{255, 255, 255, 255, 255, 255}};

static void send_packet(struct net *net, uint16_t operation, struct ethernet_address frame_to,
                        struct ethernet_address target, uint32_t target_ipv4) {
    uint8_t *frame = net->output + NET_FRAME_OFFSET, *packet = frame + ETHERNET_HEADER_BYTES;
    store_be16(packet, HARDWARE_ETHERNET);
    store_be16(packet + 2, ETHERNET_TYPE_IPV4);
    packet[4] = 6;
    packet[5] = 4;
    store_be16(packet + 6, operation);
    memcpy(packet + 8, net->ethernet.bytes, 6);
    store_be32(packet + 14, net->ipv4);
    memcpy(packet + 18, target.bytes, 6);
    store_be32(packet + 24, target_ipv4);
    ethernet_output(net, frame, ETHERNET_HEADER_BYTES + PACKET_BYTES, frame_to, ETHERNET_TYPE_ARP);
}

static void send_request(struct net *net, struct arp_entry *entry) {
    entry->requests++;
    entry->request_ns = net->now_ns;
    // RFC 1122 2.3.2.1 (2): an entry in use is confirmed with its owner alone, as long as that works.
    bool unicast = entry->known && entry->requests <= REQUESTS_MAX / 2;
    send_packet(net, OPERATION_REQUEST, unicast ? entry->ethernet : broadcast, (struct ethernet_address){{0}},
                entry->ipv4);
}

static struct arp_entry *set_of(struct net *net, uint32_t ipv4) {
    return &net->arp[ipv4 % (ARP_ENTRIES / ARP_WAYS) * ARP_WAYS];
}

static struct arp_entry *find(struct net *net, uint32_t ipv4) {
    struct arp_entry *set = set_of(net, ipv4);
    for (int way = 0; way < ARP_WAYS; way++)
        if (set[way].ipv4 == ipv4)
            return &set[way];
    return NULL;
}

static void drop_waiting(struct net *net, struct arp_entry *entry) {
    while (entry->waiting) {
        struct arp_frame *frame = entry->waiting;
        entry->waiting = frame->next;
        pool_give(&net->pool, frame, frame->buffer_bytes);
    }
    entry->waiting_count = 0;
}

// A free place, or that of the entry which was not used for the longest time.
static struct arp_entry *add(struct net *net, uint32_t ipv4) {
    struct arp_entry *set = set_of(net, ipv4), *oldest = set;
    for (int way = 0; way < ARP_WAYS && oldest->ipv4 != 0; way++)
        if (set[way].ipv4 == 0 || set[way].used_ns < oldest->used_ns)
            oldest = &set[way];
    drop_waiting(net, oldest);
    *oldest = (struct arp_entry){.ipv4 = ipv4, .used_ns = net->now_ns};
    return oldest;
}

static void learn(struct net *net, struct arp_entry *entry, struct ethernet_address ethernet) {
    entry->known = true;
    entry->requests = 0;
    entry->ethernet = ethernet;
    entry->confirmed_ns = net->now_ns;
    struct arp_frame *waiting = entry->waiting;
    entry->waiting = NULL;
    entry->waiting_count = 0;
    while (waiting) {
        struct arp_frame *frame = waiting;
        waiting = frame->next;
        ethernet_output(net, frame->frame, frame->frame_bytes, ethernet, ETHERNET_TYPE_IPV4);
        pool_give(&net->pool, frame, frame->buffer_bytes);
    }
}

void arp_input(struct net *net, const uint8_t *packet, size_t packet_bytes) {
    if (packet_bytes < PACKET_BYTES || load_be16(packet) != HARDWARE_ETHERNET
        || load_be16(packet + 2) != ETHERNET_TYPE_IPV4 || packet[4] != 6 || packet[5] != 4)
        return;
    uint16_t operation = load_be16(packet + 6);
    struct ethernet_address sender;
    memcpy(sender.bytes, packet + 8, 6);
    uint32_t sender_ipv4 = load_be32(packet + 14), target_ipv4 = load_be32(packet + 24);
    bool sender_is_host = (sender.bytes[0] & 1) == 0;
    // A probe (RFC 5227) has no sender address: it is answered, but teaches nothing.
    bool neighbour = sender_is_host && sender_ipv4 != net->ipv4 && !ipv4_is_broadcast(net, sender_ipv4)
                     && (sender_ipv4 & net->ipv4_mask) == (net->ipv4 & net->ipv4_mask);
    if (neighbour) {
        struct arp_entry *entry = find(net, sender_ipv4);
        if (!entry && target_ipv4 == net->ipv4 && operation == OPERATION_REQUEST)
            entry = add(net, sender_ipv4);
        if (entry)
            learn(net, entry, sender);
    }
    if (operation == OPERATION_REQUEST && target_ipv4 == net->ipv4 && sender_is_host && (neighbour || sender_ipv4 == 0))
        send_packet(net, OPERATION_REPLY, sender, sender, sender_ipv4);
}

static void keep_waiting(struct net *net, struct arp_entry *entry, const uint8_t *frame, size_t frame_bytes) {
    if (entry->waiting_count >= ARP_WAITING_MAX)
        return;
    uint32_t bytes = pool_round_up((uint32_t)(sizeof(struct arp_frame) + frame_bytes));
    struct arp_frame *kept = pool_take(&net->pool, bytes);
    if (!kept)
        return;
    kept->next = NULL;
    kept->buffer_bytes = bytes;
    kept->frame_bytes = (uint32_t)frame_bytes;
    memcpy(kept->frame, frame, frame_bytes);
    struct arp_frame **end = &entry->waiting;
    while (*end)
        end = &(*end)->next;
    *end = kept;
    entry->waiting_count++;
}

static void on_arp_timer(struct serve_timer *timer, void *user) {
    struct net *net = user;
    bool again = false;
    for (struct arp_entry *entry = net->arp; entry < net->arp + ARP_ENTRIES; entry++) {
        if (entry->ipv4 == 0 || entry->requests == 0)
            continue;
        if (net->now_ns - entry->request_ns >= REQUEST_INTERVAL_NS) {
            if (entry->requests >= REQUESTS_MAX) {
                drop_waiting(net, entry);
                *entry = (struct arp_entry){0};
                continue;
            }
            send_request(net, entry);
        }
        again = true;
    }
    if (again)
        wheel_start(&net->wheel, timer, net->now_ns + REQUEST_INTERVAL_NS / 4);
}

void arp_send(struct net *net, uint32_t ipv4, uint8_t *frame, size_t frame_bytes) {
    struct arp_entry *entry = find(net, ipv4);
    if (!entry)
        entry = add(net, ipv4);
    entry->used_ns = net->now_ns;
    if (entry->known)
        ethernet_output(net, frame, frame_bytes, entry->ethernet, ETHERNET_TYPE_IPV4);
    else
        keep_waiting(net, entry, frame, frame_bytes);
    if (entry->requests == 0 && (!entry->known || net->now_ns - entry->confirmed_ns > CONFIRMED_FOR_NS)) {
        send_request(net, entry);
        if (!wheel_is_running(&net->arp_timer))
            wheel_start(&net->wheel, &net->arp_timer, net->now_ns + REQUEST_INTERVAL_NS / 4);
    }
}

void arp_init(struct net *net) {
    net->arp_timer.on_timer = on_arp_timer;
    net->arp_timer.user = net;
    // An announcement (RFC 5227 2.3): whoever knew another host under this address learns the new one.
    send_packet(net, OPERATION_REQUEST, broadcast, (struct ethernet_address){{0}}, net->ipv4);
}
