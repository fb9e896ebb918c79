// Two hosts with connections between them, and an attacker who sees every frame and sends mutated copies, with right
// checksums, so that they reach the depths. Nothing must break; in the end nothing may be held.
//   fuzz FIRST_SEED SEEDS FRAMES
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "net/checksum.h"
#include "net/tcp.h"

enum { FRAME_BYTES_MAX = 1514, COPIES_MAX = 8, CHECK_EVERY = 16 };

static struct fuzzer {
    struct link *link;
    struct random random;
    uint64_t frames, frames_max, seed, events;
    uint64_t opened, connected, closed;
    bool ending;
    struct serve_timer timers[LINK_HOSTS];
} fuzzer;

static uint64_t below(uint64_t bound) {
    return random_below(&fuzzer.random, bound);
}

// Mutation ------------------------------------------------------------------------------------------------------------

static void mutate_bytes(uint8_t *at, size_t bytes) {
    static const uint8_t interesting[] = {0, 1, 2, 4, 5, 8, 10, 0x7f, 0x80, 0xff};
    for (uint64_t i = 1 + below(4); i > 0 && bytes > 0; i--) {
        uint8_t *byte = &at[below(bytes)];
        *byte = below(2) == 0 ? interesting[below(sizeof interesting)] : (uint8_t)(*byte ^ 1 << below(8));
    }
}

static void mutate_number(uint8_t *at) {
    static const int32_t steps[] = {1, 2, 100, 536, 1448, 1460, 32768, 65535, 1 << 20, 0x7fffffff};
    int32_t step = steps[below(COUNT_OF(steps))];
    uint32_t number = load_be32(at);
    number += (uint32_t)(below(2) == 0 ? step : -step);
    store_be32(at, below(8) == 0 ? (uint32_t)below(1ull << 32) : number);
}

static void mutate_tcp(uint8_t *tcp, size_t bytes) {
    if (bytes < TCP_HEADER_BYTES)
        return;
    switch (below(9)) {
    case 0:
        tcp[13] = (uint8_t)below(256);
        break;
    case 1:
        tcp[13] ^= (uint8_t)(1 << below(6));
        break;
    case 2:
        mutate_number(tcp + 4);
        break;
    case 3:
        mutate_number(tcp + 8);
        break;
    case 4:
        store_be16(tcp + 14, (uint16_t)(below(2) == 0 ? below(10) : below(65536)));
        break;
    case 5:
        tcp[12] = (uint8_t)(below(16) << 4);
        break;
    case 6: // options
        if (tcp[12] >> 4 > 5 && bytes >= 60)
            mutate_bytes(tcp + TCP_HEADER_BYTES, (size_t)(tcp[12] >> 4) * 4 - TCP_HEADER_BYTES);
        break;
    case 7: // SACK blocks near what is in flight
        if (tcp[12] >> 4 >= 8) {
            uint32_t ack = load_be32(tcp + 8), begin = ack + (uint32_t)below(20000);
            memcpy(tcp + TCP_HEADER_BYTES, "\1\1\5\12", 4);
            store_be32(tcp + TCP_HEADER_BYTES + 4, begin);
            store_be32(tcp + TCP_HEADER_BYTES + 8, begin + (uint32_t)below(4000));
        }
        break;
    default:
        mutate_bytes(tcp, bytes);
    }
}

// Makes the checksums right, where there is room for them.
static void mend(uint8_t *frame, size_t bytes) {
    if (bytes < ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES || load_be16(frame + 12) != ETHERNET_TYPE_IPV4)
        return;
    uint8_t *ip = frame + ETHERNET_HEADER_BYTES;
    size_t header_bytes = (size_t)(ip[0] & 15) * 4, total_bytes = load_be16(ip + 2);
    if (header_bytes < IPV4_HEADER_BYTES || total_bytes > bytes - ETHERNET_HEADER_BYTES || total_bytes < header_bytes)
        return;
    store_be16(ip + 10, 0);
    checksum_store(ip + 10, checksum_finish(checksum_add(0, ip, header_bytes)));
    uint8_t *payload = ip + header_bytes;
    size_t payload_bytes = total_bytes - header_bytes, at = ip[9] == IPV4_TCP ? 16 : ip[9] == IPV4_UDP ? 6 : 2;
    if (payload_bytes < at + 2)
        return;
    uint64_t sum = checksum_pseudo(load_be32(ip + 12), load_be32(ip + 16), ip[9], payload_bytes);
    if (ip[9] == IPV4_ICMP)
        sum = 0;
    store_be16(payload + at, 0);
    checksum_store(payload + at, checksum_finish(checksum_add(sum, payload, payload_bytes)));
}

static size_t mutate(uint8_t *frame, size_t bytes) {
    uint8_t *ip = frame + ETHERNET_HEADER_BYTES;
    bool is_ipv4 = bytes >= ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES && load_be16(frame + 12) == ETHERNET_TYPE_IPV4;
    switch (below(10)) {
    case 0: // any byte behind the addresses
        mutate_bytes(frame + 12, bytes - 12);
        break;
    case 1: // the IPv4 header
        if (is_ipv4)
            mutate_bytes(ip, IPV4_HEADER_BYTES);
        break;
    case 2: // cut short; sometimes the header knows
        bytes = below(bytes + 1);
        if (is_ipv4 && bytes >= ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES && below(2) == 0)
            store_be16(ip + 2, (uint16_t)(bytes - ETHERNET_HEADER_BYTES));
        break;
    case 3: // longer
        while (bytes < FRAME_BYTES_MAX && below(50) != 0)
            frame[bytes++] = (uint8_t)below(256);
        if (is_ipv4 && below(2) == 0)
            store_be16(ip + 2, (uint16_t)(bytes - ETHERNET_HEADER_BYTES));
        break;
    case 4: // ICMP about it, to its sender
        if (is_ipv4 && bytes >= ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + 8) {
            memmove(ip + IPV4_HEADER_BYTES + 8, ip, IPV4_HEADER_BYTES + 8);
            memset(ip + IPV4_HEADER_BYTES, 0, 8);
            ip[IPV4_HEADER_BYTES] = (uint8_t)(below(4) == 0 ? 8 : 3);
            ip[IPV4_HEADER_BYTES + 1] = (uint8_t)below(5);
            store_be16(ip + IPV4_HEADER_BYTES + 6, (uint16_t)below(1600));
            ip[9] = IPV4_ICMP;
            store_be16(ip + 2, 2 * IPV4_HEADER_BYTES + 16);
            bytes = ETHERNET_HEADER_BYTES + 2 * IPV4_HEADER_BYTES + 16;
        }
        break;
    default:
        if (is_ipv4 && ip[9] == IPV4_TCP)
            mutate_tcp(ip + IPV4_HEADER_BYTES, bytes - ETHERNET_HEADER_BYTES - IPV4_HEADER_BYTES);
        else
            mutate_bytes(frame + 12, bytes - 12);
    }
    if (below(20) != 0)
        mend(frame, bytes);
    return bytes;
}

static void on_frame(struct link *link, struct link_host *from, const uint8_t *data, size_t bytes) {
    for (uint64_t copies = below(COPIES_MAX); copies > 0 && fuzzer.frames < fuzzer.frames_max; copies--) {
        uint8_t frame[FRAME_BYTES_MAX + 64] = {0};
        memcpy(frame, data, bytes);
        size_t mutated = mutate(frame, bytes);
        uint32_t to = 1 - from->index;
        if (below(10) == 0 || (mutated >= 24 && frame[23] == IPV4_ICMP)) { // back, as if the peer had sent it
            to = from->index;
            memcpy(frame, from->net.ethernet.bytes, 6);
            if (mutated >= 34) {
                store_be32(frame + 26, 0x0a000001 + (1 - from->index));
                store_be32(frame + 30, 0x0a000001 + from->index);
                mend(frame, mutated);
            }
        }
        link_inject(link, to, frame, mutated, below(4) == 0 ? below(2 * NS_PER_S) : below(1000000));
        fuzzer.frames++;
    }
}

// The applications ----------------------------------------------------------------------------------------------------

static void misbehave(struct serve_tcp *tcp) {
    uint8_t bytes[8000] = {0};
    switch (fuzzer.ending ? 10 : below(40)) {
    case 0:
        serve_tcp_close(tcp);
        break;
    case 1:
        serve_tcp_abort(tcp);
        break;
    case 2:
        serve_tcp_shutdown(tcp);
        break;
    case 3:
        serve_tcp_set_idle_timeout(tcp, below(20 * NS_PER_S));
        break;
    case 4:
        serve_tcp_set_keepalive(tcp, below(20 * NS_PER_S));
        break;
    case 5:
        serve_tcp_set_nodelay(tcp, below(2) == 0);
        break;
    case 6:
        serve_tcp_resume(tcp);
        break;
    case 7: {
        size_t count = 1 + below(SERVE_RESERVE_MAX);
        uint8_t *room = serve_tcp_reserve(tcp, count);
        if (room) {
            memset(room, 1, count);
            serve_tcp_commit(tcp, below(count + 1));
        }
        break;
    }
    case 10:
        serve_tcp_abort(tcp);
        break;
    default:
        serve_tcp_send(tcp, bytes, below(sizeof bytes));
    }
}

static void on_open(struct serve_tcp *tcp) {
    fuzzer.opened += serve_tcp_user(tcp) == NULL; // others were counted when they connected
    misbehave(tcp);
}

static size_t on_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t count) {
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum ^= bytes[i];
    misbehave(tcp);
    return below(3) == 0 ? below(count + 1) : count;
}

static void on_writable(struct serve_tcp *tcp) {
    misbehave(tcp);
}

static void on_eof(struct serve_tcp *tcp) {
    if (below(2) == 0)
        serve_tcp_close(tcp);
    else
        misbehave(tcp);
}

static void on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    (void)tcp, (void)reason;
    fuzzer.closed++;
}

static const struct serve_tcp_callbacks callbacks = {
    .on_open = on_open, .on_data = on_data, .on_eof = on_eof, .on_writable = on_writable, .on_closed = on_closed};

static void on_datagram(struct serve_udp *udp, const struct serve_address *peer, const uint8_t *bytes, size_t count,
                        void *user) {
    (void)user;
    if (below(4) == 0)
        serve_udp_send(udp, peer, bytes, count);
}

static void abort_all(struct net *net) {
    for (uint32_t i = 0; i <= net->tcp.bucket_mask; i++)
        for (struct serve_tcp *tcp = net->tcp.buckets[i], *next; tcp; tcp = next) {
            next = tcp->next;
            if (tcp->known)
                serve_tcp_abort(tcp);
        }
}

// Now and then each host opens a connection and sends a datagram.
static void on_timer(struct serve_timer *timer, void *user) {
    struct link_host *host = user;
    if (fuzzer.ending) {
        abort_all(&host->net);
        return;
    }
    struct serve_address peer = {0x0a000001 + (1 - host->index), 7};
    fuzzer.connected += net_tcp_connect(&host->net, &peer, &callbacks, &fuzzer) != NULL;
    serve_udp_send(&host->net.udp[0], &peer, "datagram", 8);
    wheel_start_after(&host->net.wheel, timer, host->net.now_ns, below(3 * NS_PER_S));
}

static bool is_done(void *context) {
    (void)context;
    if (fuzzer.events++ % CHECK_EVERY == 0)
        for (uint32_t i = 0; i < LINK_HOSTS; i++)
            link_check_sane(&fuzzer.link->hosts[i]);
    return fuzzer.frames >= fuzzer.frames_max;
}

static void run_seed(uint64_t seed, uint64_t frames) {
    fuzzer = (struct fuzzer){.random = {.state = seed}, .seed = seed, .frames_max = frames};
    fprintf(stderr, "seed %" PRIu64 "\r", seed);
    struct link_options options = {.seed = seed, .connections_max = 32, .receive_buffer_bytes = 4096u << below(5),
                                   .send_buffer_bytes = 8192u << below(4), .memory_bytes = 120000 + below(400000)};
    options.quality = (struct link_quality){.loss = 20000, .delay_ns = below(20) * 1000000, .damage = 1};
    struct link *link = fuzzer.link = link_create(&options);
    link->on_frame = on_frame;
    for (uint32_t i = 0; i < LINK_HOSTS; i++) {
        struct net *net = &link->hosts[i].net;
        net_tcp_listen(net, 7, 1 + (uint32_t)below(16), &callbacks, NULL);
        net_udp_bind(net, 7, on_datagram, NULL);
        fuzzer.timers[i].on_timer = on_timer;
        fuzzer.timers[i].user = &link->hosts[i];
        wheel_start_after(&net->wheel, &fuzzer.timers[i], net->now_ns, 0);
    }
    link_run(link, is_done, NULL, 100000 * NS_PER_S);
    fuzzer.ending = true;
    link->on_frame = NULL;
    link_run(link, NULL, NULL, 3600 * NS_PER_S);
    for (uint32_t i = 0; i < LINK_HOSTS; i++)
        link_check_empty(&link->hosts[i]);
    if (fuzzer.opened + fuzzer.connected != fuzzer.closed)
        link_fail("seed %" PRIu64 ": %" PRIu64 " connections were known, %" PRIu64 " were closed", seed,
                  fuzzer.opened + fuzzer.connected, fuzzer.closed);
    link_destroy(link);
}

int main(int count, char **words) {
    if (count < 4)
        return 2;
    uint64_t first = strtoull(words[1], NULL, 10), seeds = strtoull(words[2], NULL, 10), closed = 0;
    uint64_t frames = strtoull(words[3], NULL, 10);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        run_seed(seed, frames);
        closed += fuzzer.closed;
    }
    printf("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " mutated frames each, %" PRIu64
           " connections: nothing broke\n", seeds, first, frames, closed);
    return 0;
}
