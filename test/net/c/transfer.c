// Two hosts send each other streams of bytes, on several connections at once, over a bad link; everything must arrive.
//   transfer FIRST_SEED SEEDS LOSS_PER_MILLION
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "net/tcp.h"

enum { CONNECTIONS_MAX = 4 };

// The byte at a place of a stream.
static uint8_t stream_byte(uint64_t stream, uint64_t at) {
    uint64_t word = (stream ^ at >> 3) * 0x9e3779b97f4a7c15;
    return (uint8_t)((word ^ word >> 29) >> (at & 7) * 8);
}

struct transfer;

struct end {
    struct transfer *transfer;
    struct serve_tcp *tcp;
    uint64_t out_stream, out_bytes, out_at;
    uint64_t in_stream, in_bytes, in_at;
    
    bool eof, closed, shut, resume_armed;
    bool lazy, in_place;
    struct serve_timer resume_timer;
};

struct transfer {
    struct link *link;
    struct random random;
    uint32_t connections, ends_closed, accepted;
    struct end ends[2][CONNECTIONS_MAX];
};

static uint64_t current_seed;

static void fail_end(const struct end *end, const char *what, int number) {
    link_fail("seed %" PRIu64 ": %s %d; read %" PRIu64 " of %" PRIu64 " bytes, sent %" PRIu64 " of %" PRIu64,
              current_seed, what, number, end->in_at, end->in_bytes, end->out_at, end->out_bytes);
}

static void fill(struct end *end, uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        bytes[i] = stream_byte(end->out_stream, end->out_at + i);
}

static void send_more(struct end *end) {
    struct random *random = &end->transfer->random;
    while (end->out_at < end->out_bytes) {
        uint8_t bytes[20000];
        uint64_t most = random_chance(random, 200000) ? 20 : sizeof bytes;
        uint64_t count = 1 + random_below(random, most);
        if (count > end->out_bytes - end->out_at)
            count = end->out_bytes - end->out_at;
        if (end->in_place) {
            if (count > SERVE_RESERVE_MAX)
                count = SERVE_RESERVE_MAX;
            uint8_t *room = serve_tcp_reserve(end->tcp, count);
            if (!room)
                return;
            fill(end, room, count);
            serve_tcp_commit(end->tcp, count);
            end->out_at += count;
        } else {
            fill(end, bytes, count);
            size_t sent = serve_tcp_send(end->tcp, bytes, count);
            end->out_at += sent;
            if (sent < count)
                return;
        }
    }
    if (!end->shut)
        serve_tcp_shutdown(end->tcp);
    end->shut = true;
}

static void on_resume_timer(struct serve_timer *timer, void *user) {
    struct end *end = user;
    (void)timer;
    end->resume_armed = false;
    if (!end->closed)
        serve_tcp_resume(end->tcp);
}

static void resume_later(struct end *end) {
    struct net *net = end->tcp->net;
    if (end->resume_armed)
        return;
    end->resume_armed = true;
    end->resume_timer.on_timer = on_resume_timer;
    end->resume_timer.user = end;
    uint64_t delay_ns = random_below(&end->transfer->random, 300) * 1000000;
    wheel_start(&net->wheel, &end->resume_timer, net->now_ns + delay_ns);
}

static size_t on_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t count) {
    struct end *end = serve_tcp_user(tcp);
    struct random *random = &end->transfer->random;
    for (size_t i = 0; i < count; i++)
        if (end->in_at + i >= end->in_bytes || bytes[i] != stream_byte(end->in_stream, end->in_at + i))
            link_fail("seed %" PRIu64 ": a wrong byte at %" PRIu64, current_seed, end->in_at + i);
    size_t consumed = count;
    if (end->lazy && random_chance(random, 400000))
        consumed = random_below(random, count + 1);
    end->in_at += consumed;
    if (consumed < count)
        resume_later(end);
    return consumed;
}

static void on_open(struct serve_tcp *tcp) {
    struct end *end = serve_tcp_user(tcp);
    if (!end->tcp) { // accepted: the peer's port tells which
        struct transfer *transfer = end->transfer;
        end = &transfer->ends[1][transfer->accepted++];
        end->tcp = tcp;
        serve_tcp_set_user(tcp, end);
        for (uint32_t i = 0; i < transfer->connections; i++) {
            struct end *other = &transfer->ends[0][i];
            if (other->tcp && !other->closed && other->tcp->port == serve_tcp_peer(tcp).port) {
                end->in_stream = other->out_stream, end->in_bytes = other->out_bytes;
                end->out_stream = other->in_stream, end->out_bytes = other->in_bytes;
            }
        }
    }
    send_more(end);
}

static void on_writable(struct serve_tcp *tcp) {
    send_more(serve_tcp_user(tcp));
}

static void on_eof(struct serve_tcp *tcp) {
    ((struct end *)serve_tcp_user(tcp))->eof = true;
}

static void on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    struct end *end = serve_tcp_user(tcp);
    if (reason != SERVE_CLOSED_DONE)
        fail_end(end, "closed for reason", (int)reason);
    if (!end->eof || end->in_at != end->in_bytes || end->out_at != end->out_bytes)
        fail_end(end, "closed too soon; end of input seen:", end->eof);
    end->closed = true;
    end->transfer->ends_closed++;
    wheel_stop(&tcp->net->wheel, &end->resume_timer);
}

static const struct serve_tcp_callbacks callbacks = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_writable = on_writable,
    .on_closed = on_closed,
};

static bool all_closed(void *context) {
    struct transfer *transfer = context;
    return transfer->ends_closed == 2 * transfer->connections;
}

static struct link_options choose_options(struct random *random, uint64_t seed, uint32_t loss) {
    static const uint32_t mtus[] = {576, 1500, 1500, 9000};
    static const uint64_t delays_us[] = {0, 100, 1000, 20000, 100000};
    struct link_options options = {.seed = seed, .mtu = mtus[random_below(random, COUNT_OF(mtus))]};
    options.quality.loss = loss;
    options.quality.duplication = random_chance(random, 500000) ? 20000 : 0;
    options.quality.reordering = random_chance(random, 500000) ? 50000 : 0;
    options.quality.damage = random_chance(random, 500000) ? 5000 : 0;
    options.quality.delay_ns = delays_us[random_below(random, COUNT_OF(delays_us))] * 1000;
    options.quality.jitter_ns = random_below(random, options.quality.delay_ns + 1);
    if (random_chance(random, 300000)) {
        options.quality.bytes_per_second = 1000000;
        options.quality.queue_frames = 20;
    }
    static const uint32_t buffers[] = {4 << 10, 16 << 10, 64 << 10, 256 << 10};
    options.receive_buffer_bytes = buffers[random_below(random, COUNT_OF(buffers))];
    options.send_buffer_bytes = 2 * buffers[random_below(random, COUNT_OF(buffers))];
    if (random_chance(random, 300000)) // so little that buffers run out
        options.memory_bytes = (120 << 10) + random_below(random, 200 << 10);
    return options;
}

static void open_connections(struct transfer *transfer) {
    struct random *random = &transfer->random;
    transfer->connections = 1 + (uint32_t)random_below(random, CONNECTIONS_MAX);
    for (uint32_t i = 0; i < transfer->connections; i++) {
        struct end *end = &transfer->ends[0][i];
        end->out_stream = random_next(random), end->in_stream = random_next(random);
        end->out_bytes = random_below(random, random_chance(random, 200000) ? 2 : 300000);
        end->in_bytes = random_below(random, random_chance(random, 200000) ? 2 : 300000);
        for (int side = 0; side < 2; side++) {
            transfer->ends[side][i].transfer = transfer;
            transfer->ends[side][i].lazy = random_chance(random, 300000);
            transfer->ends[side][i].in_place = random_chance(random, 300000);
        }
        struct serve_address to = {0x0a000002, 7};
        end->tcp = net_tcp_connect(&transfer->link->hosts[0].net, &to, &callbacks, end);
        if (!end->tcp)
            link_fail("seed %" PRIu64 ": no connection", current_seed);
        if (random_chance(random, 200000))
            serve_tcp_set_nodelay(end->tcp, false);
    }
}

// Gives the virtual milliseconds that it took.
static uint64_t run_seed(uint64_t seed, uint32_t loss) {
    current_seed = seed;
    struct transfer transfer = {.random = {.state = seed * 77 + 1}};
    struct link_options options = choose_options(&transfer.random, seed, loss);
    transfer.link = link_create(&options);
    uint64_t begin_ns = transfer.link->now_ns;
    struct end listening = {.transfer = &transfer};
    net_tcp_listen(&transfer.link->hosts[1].net, 7, 0, &callbacks, &listening);
    open_connections(&transfer);
    if (!link_run(transfer.link, all_closed, &transfer, 3600 * NS_PER_S))
        for (uint32_t i = 0; i < 2 * transfer.connections; i++) {
            const struct end *end = &transfer.ends[i % 2][i / 2];
            if (!end->closed)
                fail_end(end, "after an hour of virtual time still in state", end->tcp ? end->tcp->state : 0);
        }
    uint64_t took_ms = (transfer.link->now_ns - begin_ns) / 1000000;
    link_run(transfer.link, NULL, NULL, 3600 * NS_PER_S); // TIME_WAIT ends
    link_check_empty(&transfer.link->hosts[0]);
    link_check_empty(&transfer.link->hosts[1]);
    link_destroy(transfer.link);
    return took_ms;
}

int main(int count, char **words) {
    if (count < 4)
        return 2;
    uint64_t first = strtoull(words[1], NULL, 10), seeds = strtoull(words[2], NULL, 10), total_ms = 0;
    uint32_t loss = (uint32_t)strtoul(words[3], NULL, 10);
    for (uint64_t seed = first; seed < first + seeds; seed++)
        total_ms += run_seed(seed, loss);
    printf("%" PRIu64 " seeds from %" PRIu64 " with loss %u per million: whole, mean %" PRIu64 " ms\n", seeds, first,
           loss, seeds > 0 ? total_ms / seeds : 0);
    return 0;
}
