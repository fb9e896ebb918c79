// The stack: one `struct net` for each network device. Layers below TCP.
//
// A frame goes up: ethernet_input -> arp_input, ipv4_input -> icmp_input, udp_input, tcp_input. All output is built in
// place in net->output, its payload at the place that the headers below leave for it, and goes down:
// ipv4_output -> arp_send (finds the Ethernet address, or keeps the frame until it is known) -> the device.
#ifndef NET_H
#define NET_H

#include "kit.h"
#include "serve/list.h"
#include "serve/pool.h"
#include "serve/wheel.h"

enum {
    ETHERNET_HEADER_BYTES = 14,
    IPV4_HEADER_BYTES = 20,
    NET_MTU_MIN = 576, // RFC 791: every host takes datagrams of that size
    NET_MTU_MAX = 9000,
    NET_BATCH_FRAMES = 128, // read at most before output is written
    // Frames begin 2 bytes into their buffer, so that the headers above Ethernet lie on multiples of 4.
    NET_FRAME_OFFSET = 2,
    NET_FRAME_BYTES = NET_FRAME_OFFSET + ETHERNET_HEADER_BYTES + NET_MTU_MAX,
    UDP_PORTS_MAX = 16,
    TCP_LISTENERS_MAX = 16,
};

enum { ETHERNET_TYPE_IPV4 = 0x0800, ETHERNET_TYPE_ARP = 0x0806 };

struct ethernet_address {
    uint8_t bytes[6];
};

// What carries frames. Neither call blocks.
struct net_device {
    void *context;
    // False: no frame is there. `frame` has room for the Ethernet header and the MTU.
    bool (*read)(void *context, uint8_t *frame, size_t room, size_t *frame_bytes);
    void (*write)(void *context, const uint8_t *frame, size_t frame_bytes);
};

struct net_config {
    struct net_device device;
    struct ethernet_address ethernet;
    uint32_t device_mtu; // of frames that may arrive: at most NET_MTU_MAX
    uint32_t mtu;        // of what is sent: at most that
    uint32_t ipv4;
    uint32_t ipv4_mask;
    uint32_t ipv4_gateway; // 0: none
    uint32_t connections_max;
    uint32_t receive_buffer_bytes;
    uint32_t send_buffer_bytes;
    void *memory;
    size_t memory_bytes;
    uint64_t secret[2]; // seeds sequence numbers, ports and hashes
    uint64_t now_ns;
};

// What the stack did, for tests and for the curious.
struct net_counters {
    uint64_t frames_in, frames_out;
    uint64_t checksum_errors; // IPv4, ICMP, UDP and TCP
    uint64_t tcp_retransmits; // segments sent again
    uint64_t tcp_timeouts;    // of the retransmission timer
    uint64_t tcp_resets_out;
    uint64_t tcp_refused; // SYNs without an answer, for lack of a connection
    uint64_t tcp_cookies; // SYNs that were answered with a cookie, for lack of a place in the backlog
};

// Lets through `burst` events at once and one each interval_ns.
struct rate_limit {
    uint64_t full_ns; // when the bucket will be full again
};
bool rate_limit_pass(struct rate_limit *limit, uint64_t now_ns, uint64_t interval_ns, uint32_t burst);

// ARP (RFC 826) -------------------------------------------------------------------------------------------------------

enum { ARP_ENTRIES = 64, ARP_WAYS = 4, ARP_WAITING_MAX = 4 };

struct arp_frame {
    struct arp_frame *next;
    uint32_t buffer_bytes;
    uint32_t frame_bytes;
    uint8_t frame[];
};

struct arp_entry {
    uint32_t ipv4; // 0: free
    bool known;
    uint8_t requests; // sent since `ethernet` was last confirmed
    uint8_t waiting_count;
    struct ethernet_address ethernet;
    uint64_t used_ns;
    uint64_t confirmed_ns;
    uint64_t request_ns;       // when the last request was sent
    struct arp_frame *waiting; // frames for an address that is not known yet, oldest first
};

// UDP (RFC 768) -------------------------------------------------------------------------------------------------------

struct serve_udp {
    struct net *net; // NULL: free
    uint16_t port;
    serve_on_datagram *on_datagram;
    void *user;
};

// TCP's part, see tcp.h -----------------------------------------------------------------------------------------------

struct tcp_listener {
    const struct serve_tcp_callbacks *callbacks; // NULL: free
    void *user;
    uint16_t port;
    uint32_t backlog;
    uint32_t half_open; // connections in SYN_RECEIVED
};

struct tcp_table {
    struct serve_tcp **buckets;
    uint32_t bucket_mask;
    uint32_t ephemeral_count; // of ports chosen so far (RFC 6056 3.3.3)
    struct serve_tcp *free;
    struct serve_tcp *passing; // one that is never in the table, to write a single segment with
    uint64_t cookies_until_ns; // answers to SYN cookies may come
    struct list dirty;        // have output to write
    struct list events;       // have callbacks to call
    struct list starved;      // wait for memory to send
    struct list time_wait;    // oldest first
    uint32_t starved_returns; // pool.returns when `starved` was last looked at
    struct tcp_listener listeners[TCP_LISTENERS_MAX];
    struct rate_limit resets;
};

struct net {
    struct net_device device;
    struct ethernet_address ethernet;
    uint32_t device_mtu, mtu;
    uint32_t ipv4, ipv4_mask, ipv4_gateway;
    uint32_t connections_max, receive_buffer_bytes, send_buffer_bytes;
    uint64_t secret[2];
    uint64_t now_ns; // when the batch began
    struct wheel wheel;
    struct pool pool;
    struct arp_entry arp[ARP_ENTRIES];
    struct serve_timer arp_timer;
    struct serve_udp udp[UDP_PORTS_MAX];
    struct rate_limit icmp_errors;
    struct tcp_table tcp;
    struct net_counters counters;
    void (*on_batch)(void *user);
    void *on_batch_user;
    uint8_t input[NET_FRAME_BYTES] __attribute__((aligned(16)));
    uint8_t output[NET_FRAME_BYTES] __attribute__((aligned(16)));
    uint8_t scratch[SERVE_RESERVE_MAX]; // for serve_tcp_reserve() when memory is short
};

// False: config->memory_bytes is too little.
bool net_init(struct net *net, const struct net_config *config);

// One batch: reads frames, runs timers, calls callbacks, writes output. True: there may be more to do at once.
bool net_batch(struct net *net, uint64_t now_ns);

// When net_batch() is needed next, if no frame comes before. UINT64_MAX: never.
uint64_t net_deadline_ns(const struct net *net);

// Layers --------------------------------------------------------------------------------------------------------------

void ethernet_input(struct net *net, uint8_t *frame, size_t frame_bytes);
void ethernet_output(struct net *net, uint8_t *frame, size_t frame_bytes, struct ethernet_address to, uint16_t type);

void arp_init(struct net *net);
void arp_input(struct net *net, const uint8_t *packet, size_t packet_bytes);
// Sends a frame, of which only the Ethernet header is missing, to the host with that address on the own network.
void arp_send(struct net *net, uint32_t ipv4, uint8_t *frame, size_t frame_bytes);

// A received datagram, checked: header and payload lie within the frame.
struct ipv4_packet {
    uint32_t from;
    uint32_t to;
    bool broadcast; // by its Ethernet or its IPv4 address
    const uint8_t *header;
    size_t header_bytes;
    const uint8_t *payload;
    size_t payload_bytes;
};

enum ipv4_protocol { IPV4_ICMP = 1, IPV4_TCP = 6, IPV4_UDP = 17 };

void ipv4_input(struct net *net, const uint8_t *packet, size_t packet_bytes, bool broadcast);

// Where a payload of at most mtu - IPV4_HEADER_BYTES bytes is to be built.
static inline uint8_t *ipv4_payload(struct net *net) {
    return net->output + NET_FRAME_OFFSET + ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES;
}
// Sends what was built there. False: there is no way to that address.
bool ipv4_output(struct net *net, uint32_t to, enum ipv4_protocol protocol, size_t payload_bytes);
bool ipv4_has_route(const struct net *net, uint32_t to);
bool ipv4_is_broadcast(const struct net *net, uint32_t ipv4);

void icmp_input(struct net *net, const struct ipv4_packet *packet);
void icmp_port_unreachable(struct net *net, const struct ipv4_packet *packet);

void udp_input(struct net *net, const struct ipv4_packet *packet);
struct serve_udp *net_udp_bind(struct net *net, uint16_t port, serve_on_datagram *on_datagram, void *user);

void tcp_input(struct net *net, const struct ipv4_packet *packet);
// ICMP says that `quoted` (TCP's first 8 bytes at least) did not reach `to`. next_mtu: 0, or what would fit.
void tcp_unreachable(struct net *net, uint32_t to, const uint8_t *quoted, uint32_t next_mtu);
bool net_tcp_listen(struct net *net, uint16_t port, uint32_t backlog, const struct serve_tcp_callbacks *callbacks,
                    void *user);
struct serve_tcp *net_tcp_connect(struct net *net, const struct serve_address *to,
                                  const struct serve_tcp_callbacks *callbacks, void *user);

// Takes the tables from the arena; false: it is too small.
bool tcp_init(struct net *net, struct arena *arena);
// Calls the callbacks that are due by now, but not those that they make due in turn.
void tcp_call_events(struct net *net);
bool tcp_has_events(const struct net *net);
// Writes the output of all connections that have some.
void tcp_flush(struct net *net);

#endif
