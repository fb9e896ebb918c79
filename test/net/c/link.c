#include "link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/tcp.h"

struct link_frame {
    struct link_frame *next;
    uint64_t arrival_ns;
    uint64_t order; // the order of sending, among equals
    uint32_t to;
    size_t bytes;
    uint8_t data[];
};

void link_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static bool comes_before(const struct link_frame *a, const struct link_frame *b) {
    return a->arrival_ns != b->arrival_ns ? a->arrival_ns < b->arrival_ns : a->order < b->order;
}

static void heap_push(struct link *link, struct link_frame *frame) {
    if (link->heap_count == link->heap_room) {
        link->heap_room = link->heap_room != 0 ? link->heap_room * 2 : 256;
        link->heap = realloc(link->heap, link->heap_room * sizeof *link->heap);
    }
    uint32_t at = link->heap_count++;
    for (; at > 0 && comes_before(frame, link->heap[(at - 1) / 2]); at = (at - 1) / 2)
        link->heap[at] = link->heap[(at - 1) / 2];
    link->heap[at] = frame;
}

static struct link_frame *heap_pop(struct link *link) {
    struct link_frame *first = link->heap[0], *moved = link->heap[--link->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= link->heap_count)
            break;
        if (child + 1 < link->heap_count && comes_before(link->heap[child + 1], link->heap[child]))
            child++;
        if (!comes_before(link->heap[child], moved))
            break;
        link->heap[at] = link->heap[child];
        at = child;
    }
    link->heap[at] = moved;
    return first;
}

// An exact size, so that the sanitizer sees every byte read too far.
static struct link_frame *make_frame(struct link *link, uint32_t to, const uint8_t *data, size_t bytes) {
    struct link_frame *frame = malloc(sizeof *frame + bytes);
    memcpy(frame->data, data, bytes);
    frame->next = NULL;
    frame->bytes = bytes;
    frame->to = to;
    frame->order = link->frames_sent;
    return frame;
}

void link_inject(struct link *link, uint32_t to, const uint8_t *data, size_t bytes, uint64_t delay_ns) {
    struct link_frame *frame = make_frame(link, to, data, bytes);
    frame->arrival_ns = link->now_ns + delay_ns;
    heap_push(link, frame);
}

static void send_copy(struct link *link, struct link_host *from, const uint8_t *data, size_t bytes,
                      uint64_t departure_ns) {
    const struct link_quality *quality = &link->quality;
    struct link_frame *frame = make_frame(link, 1 - from->index, data, bytes);
    frame->arrival_ns = departure_ns + quality->delay_ns;
    if (quality->jitter_ns > 0)
        frame->arrival_ns += random_below(&link->random, quality->jitter_ns);
    if (random_chance(&link->random, quality->reordering))
        frame->arrival_ns += random_below(&link->random, 4 * quality->delay_ns + 1000000);
    else if (frame->arrival_ns < from->arrival_ns)
        frame->arrival_ns = from->arrival_ns;
    else
        from->arrival_ns = frame->arrival_ns;
    // Ethernet's own check would find damage to its header, and to ARP, which has no other.
    if (load_be16(data + 12) == ETHERNET_TYPE_IPV4 && random_chance(&link->random, quality->damage)) {
        size_t at = ETHERNET_HEADER_BYTES + random_below(&link->random, bytes - ETHERNET_HEADER_BYTES);
        frame->data[at] ^= (uint8_t)(1 << random_below(&link->random, 8));
    }
    heap_push(link, frame);
}

static void write_frame(void *context, const uint8_t *data, size_t bytes) {
    struct link_host *host = context;
    struct link *link = host->link;
    const struct link_quality *quality = &link->quality;
    if (bytes > ETHERNET_HEADER_BYTES + host->net.mtu)
        link_fail("a frame of %zu bytes was sent", bytes);
    if (link->on_frame)
        link->on_frame(link, host, data, bytes);
    link->frames_sent++;
    uint64_t departure_ns = link->now_ns;
    if (quality->bytes_per_second != 0) {
        uint64_t frame_ns = bytes * NS_PER_S / quality->bytes_per_second;
        if (host->departure_ns > link->now_ns + quality->queue_frames * frame_ns) {
            link->frames_lost++;
            return; // the queue is full
        }
        if (host->departure_ns < link->now_ns)
            host->departure_ns = link->now_ns;
        departure_ns = host->departure_ns += frame_ns;
    }
    if (random_chance(&link->random, quality->loss)) {
        link->frames_lost++;
        return;
    }
    send_copy(link, host, data, bytes, departure_ns);
    if (random_chance(&link->random, quality->duplication))
        send_copy(link, host, data, bytes, departure_ns);
}

static bool read_frame(void *context, uint8_t *data, size_t room, size_t *bytes) {
    struct link_host *host = context;
    struct link_frame *frame = host->arrived;
    if (!frame)
        return false;
    if (frame->bytes > room)
        link_fail("a frame of %zu bytes has %zu bytes of room", frame->bytes, room);
    host->arrived = frame->next;
    if (!host->arrived)
        host->arrived_end = &host->arrived;
    host->arrived_count--;
    memcpy(data, frame->data, frame->bytes);
    *bytes = frame->bytes;
    free(frame);
    return true;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise) {
    return value != 0 ? value : otherwise;
}

struct link *link_create(const struct link_options *options) {
    struct link *link = calloc(1, sizeof *link);
    link->quality = options->quality;
    link->random.state = options->seed;
    link->now_ns = NS_PER_S + random_below(&link->random, 1ull << 44); // sequence numbers begin anywhere
    for (uint32_t i = 0; i < LINK_HOSTS; i++) {
        struct link_host *host = &link->hosts[i];
        host->link = link;
        host->index = i;
        host->arrived_end = &host->arrived;
        size_t memory_bytes = options->memory_bytes != 0 ? options->memory_bytes : 4 << 20;
        host->memory = malloc(memory_bytes);
        memset(host->memory, 0xa5, memory_bytes);
        struct net_config config = {
            .device = {.context = host, .read = read_frame, .write = write_frame},
            .ethernet = {{2, 0, 0, 0, 0, (uint8_t)(i + 1)}},
            .device_mtu = or_default(options->mtu, 1500),
            .mtu = or_default(options->mtu, 1500),
            .ipv4 = 0x0a000001 + i,
            .ipv4_mask = 0xffffff00,
            .connections_max = or_default(options->connections_max, 64),
            .receive_buffer_bytes = or_default(options->receive_buffer_bytes, 64 << 10),
            .send_buffer_bytes = or_default(options->send_buffer_bytes, 128 << 10),
            .memory = host->memory,
            .memory_bytes = memory_bytes,
            .secret = {random_next(&link->random), random_next(&link->random)},
            .now_ns = link->now_ns,
        };
        if (!net_init(&host->net, &config))
            link_fail("net_init failed");
    }
    return link;
}

void link_destroy(struct link *link) {
    for (uint32_t i = 0; i < link->heap_count; i++)
        free(link->heap[i]);
    for (uint32_t i = 0; i < LINK_HOSTS; i++) {
        uint8_t frame[16384];
        size_t bytes;
        while (read_frame(&link->hosts[i], frame, sizeof frame, &bytes))
            continue;
        free(link->hosts[i].memory);
    }
    free(link->heap);
    free(link);
}

static void deliver_due(struct link *link) {
    while (link->heap_count > 0 && link->heap[0]->arrival_ns <= link->now_ns) {
        struct link_frame *frame = heap_pop(link);
        struct link_host *host = &link->hosts[frame->to];
        *host->arrived_end = frame;
        host->arrived_end = &frame->next;
        host->arrived_count++;
    }
}

static uint64_t next_event_ns(const struct link *link) {
    uint64_t next_ns = link->heap_count > 0 ? link->heap[0]->arrival_ns : UINT64_MAX;
    for (uint32_t i = 0; i < LINK_HOSTS; i++) {
        uint64_t deadline_ns = net_deadline_ns(&link->hosts[i].net);
        if (deadline_ns < next_ns)
            next_ns = deadline_ns;
    }
    return next_ns;
}

bool link_run(struct link *link, bool (*done)(void *context), void *context, uint64_t limit_ns) {
    uint64_t end_ns = link->now_ns + limit_ns;
    for (;;) {
        deliver_due(link);
        for (uint32_t i = 0; i < LINK_HOSTS; i++)
            while (net_batch(&link->hosts[i].net, link->now_ns))
                continue;
        if (done && done(context))
            return true;
        uint64_t next_ns = next_event_ns(link);
        if (next_ns == UINT64_MAX || next_ns > end_ns) {
            link->now_ns = end_ns;
            return false;
        }
        if (next_ns > link->now_ns)
            link->now_ns = next_ns;
    }
}

static void check_set(const struct link_host *host, const struct sequence_set *set, sequence begin, sequence end) {
    if (set->count > SEQUENCE_RANGES_MAX)
        link_fail("host %u: a set of %u ranges", host->index, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        struct sequence_range range = set->ranges[i];
        if (!before(begin, range.begin) || !before(range.begin, range.end) || before(end, range.end))
            link_fail("host %u: a range %u-%u not within %u-%u", host->index, range.begin, range.end, begin, end);
        begin = range.end;
    }
}

static void check_connection(const struct link_host *host, const struct serve_tcp *tcp) {
    if (tcp->state == TCP_CLOSED)
        link_fail("host %u: a closed connection in the table", host->index);
    if (before(tcp->snd.nxt, tcp->snd.una) || before(tcp->snd.max, tcp->snd.nxt))
        link_fail("host %u: una %u, nxt %u, max %u", host->index, tcp->snd.una, tcp->snd.nxt, tcp->snd.max);
    sequence end = tcp_send_end(tcp) + (tcp->fin_queued ? 1 : 0);
    if (tcp->state >= TCP_ESTABLISHED && before(end, tcp->snd.max))
        link_fail("host %u: more was sent than there is", host->index);
    if (tcp->state >= TCP_ESTABLISHED && (tcp->cwnd < tcp_segment_max(tcp) || tcp->ssthresh < tcp_segment_max(tcp)))
        link_fail("host %u: cwnd %u, ssthresh %u", host->index, tcp->cwnd, tcp->ssthresh);
    if (tcp->send.count > host->net.send_buffer_bytes || tcp->receive.count > host->net.receive_buffer_bytes + 16384)
        link_fail("host %u: %u bytes to send, %u to read", host->index, tcp->send.count, tcp->receive.count);
    if (tcp->receive.front + tcp->receive.extent > tcp->receive.capacity || tcp->receive.extent < tcp->receive.count)
        link_fail("host %u: a receive buffer out of bounds", host->index);
    if (tcp->gapped.count == 0 && tcp->receive.extent != tcp->receive.count)
        link_fail("host %u: bytes are kept behind no gap", host->index);
    check_set(host, &tcp->sacked, tcp->snd.una - 1, tcp->snd.max); // an acknowledgement may end within a range
    check_set(host, &tcp->gapped, tcp->rcv.nxt, tcp->rcv.adv);
    bool waits = tcp->snd.una != tcp->snd.max || before(tcp->snd.nxt, end) || tcp->state == TCP_TIME_WAIT;
    if (tcp->state == TCP_FIN_WAIT_2)
        waits = tcp->released;
    if (waits && !wheel_is_running(&tcp->retransmit_timer))
        link_fail("host %u: state %u waits without a timer", host->index, tcp->state);
}

void link_check_sane(struct link_host *host) {
    struct net *net = &host->net;
    for (uint32_t i = 0; i <= net->tcp.bucket_mask; i++)
        for (struct serve_tcp *tcp = net->tcp.buckets[i]; tcp; tcp = tcp->next)
            check_connection(host, tcp);
}

void link_check_empty(struct link_host *host) {
    struct net *net = &host->net;
    if (host->link->quality.damage == 0 && net->counters.checksum_errors != 0)
        link_fail("host %u was sent wrong checksums", host->index);
    uint32_t kept = 0, state = 0;
    for (uint32_t i = 0; i <= net->tcp.bucket_mask; i++)
        for (struct serve_tcp *tcp = net->tcp.buckets[i]; tcp; tcp = tcp->next, kept++)
            state = tcp->state;
    if (kept != 0)
        link_fail("host %u holds %u connections, one in state %u", host->index, kept, state);
    if (net->pool.units_free != net->pool.units)
        link_fail("host %u holds %u buffers' units", host->index, net->pool.units - net->pool.units_free);
    if (!list_is_empty(&net->tcp.dirty) || !list_is_empty(&net->tcp.events) || !list_is_empty(&net->tcp.starved)
        || !list_is_empty(&net->tcp.time_wait))
        link_fail("host %u has work left", host->index);
    for (uint32_t i = 0; i < TCP_LISTENERS_MAX; i++)
        if (net->tcp.listeners[i].half_open != 0)
            link_fail("host %u counts %u half open connections", host->index, net->tcp.listeners[i].half_open);
}
