// The parts below TCP's logic, each against a plain model of it: random operations, the same for the same seed.
//   parts SEED
#include <string.h>

#include "check.h"
#include "net/checksum.h"
#include "net/net.h"
#include "net/sequence.h"
#include "net/siphash.h"
#include "random.h"
#include "serve/byte_queue.h"
#include "serve/options.h"
#include "serve/wheel.h"

static struct random rng;

static uint64_t below(uint64_t bound) {
    return random_below(&rng, bound);
}

// Checksum ------------------------------------------------------------------------------------------------------------

static uint16_t plain_checksum(const uint8_t *bytes, size_t size) {
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += (uint32_t)bytes[i] << (i % 2 == 0 ? 8 : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void test_checksum(void) {
    // RFC 1071 section 3's example: the sum of these is ddf2.
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    uint8_t stored[2];
    checksum_store(stored, checksum_finish(checksum_add(0, example, sizeof example)));
    CHECK(load_be16(stored) == (uint16_t)~0xddf2, "got %04x", load_be16(stored));
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[2048], copy[2048];
        size_t size = below(below(2) == 0 ? 70 : 1600), offset = below(8), cut = below(size / 2 + 1) * 2;
        for (size_t i = 0; i < size; i++)
            bytes[offset + i] = below(3) == 0 ? 0xff : (uint8_t)below(256);
        uint64_t sum = cut <= size ? checksum_add(0, bytes + offset, cut) : 0;
        sum = checksum_copy(sum, copy, bytes + offset + cut, size - cut);
        checksum_store(stored, checksum_finish(sum));
        CHECK(load_be16(stored) == plain_checksum(bytes + offset, size), "size %zu, cut at %zu", size, cut);
        CHECK(memcmp(copy, bytes + offset + cut, size - cut) == 0, "the copy differs");
    }
}

static void test_siphash(void) {
    // The paper's reference vectors, of 0, 8 and 16 bytes: key 00 ... 0f, message 00, 01, 02 ...
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    CHECK(siphash(key, key, 0) == 0x726fdb47dd0e0e31, "0 bytes");
    CHECK(siphash(key, key, 1) == 0x93f5f5799a932462, "8 bytes");
    CHECK(siphash(key, key, 2) == 0x3f2acc7f57c29bdb, "16 bytes");
}

// Wheel ---------------------------------------------------------------------------------------------------------------

enum { TIMERS = 200, TICK_NS = 1 << WHEEL_TICK_SHIFT };

static struct wheel wheel;
static uint64_t wheel_now_ns;
static uint32_t fired;

static void on_timer(struct serve_timer *timer, void *user) {
    (void)user;
    CHECK(timer->deadline_ns <= wheel_now_ns, "%" PRIu64 " ns early", timer->deadline_ns - wheel_now_ns);
    fired++;
    if (below(4) == 0) // from within its own callback, and due at once
        wheel_start(&wheel, timer, wheel_now_ns + below(2) * below(1000000));
}

static void test_wheel(void) {
    struct serve_timer timers[TIMERS] = {0};
    wheel_now_ns = below(UINT64_MAX / 2);
    wheel_init(&wheel, wheel_now_ns);
    for (int i = 0; i < TIMERS; i++)
        timers[i].on_timer = on_timer;
    for (int round = 0; round < 100000; round++) {
        struct serve_timer *timer = &timers[below(TIMERS)];
        if (below(3) == 0)
            wheel_stop(&wheel, timer);
        else
            wheel_start(&wheel, timer, wheel_now_ns + (below(UINT64_MAX) >> (16 + below(40))));
        uint64_t deadline_ns = wheel_deadline_ns(&wheel);
        if (below(2) == 0)
            wheel_now_ns += below(1ull << below(38));
        else if (deadline_ns != UINT64_MAX && deadline_ns > wheel_now_ns)
            wheel_now_ns = deadline_ns;
        wheel_run(&wheel, wheel_now_ns);
        deadline_ns = wheel_deadline_ns(&wheel);
        for (int i = 0; i < TIMERS; i++) {
            if (!wheel_is_running(&timers[i]))
                continue;
            CHECK(timers[i].deadline_ns + TICK_NS > wheel_now_ns, "more than a tick late");
            CHECK(deadline_ns < timers[i].deadline_ns + 2 * TICK_NS, "the wheel would sleep too long");
        }
    }
    CHECK(fired > 10000, "only %u", fired);
    for (int i = 0; i < TIMERS; i++)
        wheel_stop(&wheel, &timers[i]);
    CHECK(wheel_deadline_ns(&wheel) == UINT64_MAX, "something is left");
    wheel_start_after(&wheel, &timers[0], wheel_now_ns, UINT64_MAX);
    CHECK(timers[0].deadline_ns == UINT64_MAX, "a deadline wrapped");
}

// Pool ----------------------------------------------------------------------------------------------------------------

static void test_pool(void) {
    enum { BUFFERS = 300 };
    for (int round = 0; round < 20; round++) {
        size_t memory_bytes = 3000 + below(8 << 20);
        uint8_t *memory = malloc(memory_bytes);
        struct pool pool;
        size_t shift = below(16);
        CHECK(pool_init(&pool, memory + shift, memory_bytes - shift), "%zu bytes", memory_bytes);
        size_t used = (size_t)pool.units * POOL_UNIT_BYTES;
        CHECK(used + memory_bytes / 1024 + 32 + POOL_UNIT_BYTES > memory_bytes, "%zu bytes used", used);
        struct {
            uint8_t *at;
            uint32_t bytes;
            uint8_t mark;
        } buffers[BUFFERS] = {0};
        uint32_t units_taken = 0;
        for (int step = 0; step < 5000; step++) {
            int i = (int)below(BUFFERS);
            if (buffers[i].at) {
                CHECK(buffers[i].at[0] == buffers[i].mark && buffers[i].at[buffers[i].bytes - 1] == buffers[i].mark,
                      "a buffer was written to by another");
                pool_give(&pool, buffers[i].at, buffers[i].bytes);
                units_taken -= buffers[i].bytes / POOL_UNIT_BYTES;
                buffers[i].at = NULL;
            } else {
                uint32_t bytes = pool_round_up((uint32_t)(1 + below(1ull << below(21))));
                uint8_t *at = pool_take(&pool, bytes);
                if (!at)
                    continue;
                CHECK(at >= memory && at + bytes <= memory + memory_bytes && (uintptr_t)at % 16 == 0, "out of bounds");
                buffers[i].at = at, buffers[i].bytes = bytes, buffers[i].mark = (uint8_t)below(256);
                memset(at, buffers[i].mark, bytes);
                units_taken += bytes / POOL_UNIT_BYTES;
            }
            CHECK(pool.units_free == pool.units - units_taken, "%u free", pool.units_free);
        }
        for (int i = 0; i < BUFFERS; i++)
            if (buffers[i].at)
                pool_give(&pool, buffers[i].at, buffers[i].bytes);
        // All merged again: as much is to be had in large pieces as in the beginning.
        struct pool fresh;
        uint32_t orders[POOL_ORDERS] = {0};
        for (int order = 0; order < POOL_ORDERS; order++)
            for (struct pool_block *block = pool.free[order]; block; block = block->next)
                orders[order]++;
        CHECK(pool_init(&fresh, memory + shift, memory_bytes - shift), "again");
        for (int order = 0; order < POOL_ORDERS; order++) {
            for (struct pool_block *block = fresh.free[order]; block; block = block->next)
                orders[order]--;
            CHECK(orders[order] == 0, "order %d", order);
        }
        free(memory);
    }
    struct pool pool;
    uint8_t tiny[POOL_UNIT_BYTES];
    CHECK(!pool_init(&pool, tiny, sizeof tiny), "a unit needs its byte in the table too");
}

// Byte queue ----------------------------------------------------------------------------------------------------------

static void test_byte_queue(void) {
    enum { MODEL_BYTES = 70000 };
    static uint8_t model[MODEL_BYTES], written[MODEL_BYTES];
    size_t memory_bytes = 400000;
    void *memory = malloc(memory_bytes);
    struct pool pool;
    pool_init(&pool, memory, memory_bytes);
    struct byte_queue queue = {0};
    uint32_t count = 0, extent = 0;
    for (int step = 0; step < 50000; step++) {
        uint8_t bytes[3000];
        uint32_t size = 1 + (uint32_t)below(sizeof bytes), offset = below(3) == 0 ? (uint32_t)below(5000) : 0;
        switch (below(4)) {
        case 0:
        case 1:
            if (count + offset + size > 60000)
                break;
            for (uint32_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)below(256);
            CHECK(byte_queue_place(&queue, &pool, offset, bytes, size), "no memory");
            memcpy(model + count + offset, bytes, size);
            memset(written + count + offset, 1, size);
            if (extent < count + offset + size)
                extent = count + offset + size;
            while (count < extent && written[count])
                count++;
            byte_queue_extend(&queue, count - queue.count);
            break;
        case 2:
            size = (uint32_t)below(count + 1);
            byte_queue_consume(&queue, &pool, size);
            memmove(model, model + size, extent - size);
            memmove(written, written + size, extent - size);
            memset(written + extent - size, 0, size);
            count -= size, extent -= size;
            break;
        default:
            if (below(20) != 0)
                break;
            byte_queue_forget_placed(&queue, &pool);
            memset(written + count, 0, extent - count);
            extent = count;
        }
        CHECK(queue.count == count && queue.extent == extent, "count %u, extent %u", queue.count, queue.extent);
        CHECK(extent == 0 ? !queue.memory : queue.front + extent <= queue.capacity, "out of bounds");
        for (uint32_t i = 0; i < count; i += 1 + (uint32_t)below(50))
            CHECK(byte_queue_front(&queue)[i] == model[i], "byte %u of %u", i, count);
    }
    byte_queue_release(&queue, &pool);
    CHECK(pool.units_free == pool.units, "leaked");
    free(memory);
}

// Sets of sequence numbers --------------------------------------------------------------------------------------------

static void test_sequence_set(void) {
    enum { SPAN = 400 };
    for (int round = 0; round < 500; round++) {
        sequence base = (sequence)below(1ull << 32);
        if (below(2) == 0)
            base = (sequence)-(int32_t)below(SPAN); // numbers wrap in the middle
        bool model[SPAN] = {false};
        struct sequence_set set = {0};
        uint32_t trimmed = 0;
        for (int step = 0; step < 200; step++) {
            uint32_t begin = (uint32_t)below(SPAN), end = begin + 1 + (uint32_t)below(below(2) == 0 ? 5 : 100);
            if (end > SPAN)
                end = SPAN;
            if (below(10) == 0) {
                trimmed = trimmed < begin && begin < trimmed + 30 ? begin : trimmed;
                sequence_set_trim(&set, base + trimmed);
                memset(model, 0, trimmed);
            } else if (begin >= trimmed) {
                bool fits = sequence_set_has_room(&set, base + begin, base + end);
                bool added = sequence_set_add(&set, base + begin, base + end);
                CHECK(fits == added, "room: %d, added: %d", fits, added);
                if (added)
                    memset(model + begin, 1, end - begin);
            }
            uint32_t at = 0, range = 0;
            while (at < SPAN) {
                uint32_t from = at;
                while (at < SPAN && model[at] == model[from])
                    at++;
                if (!model[from])
                    continue;
                CHECK(range < set.count && set.ranges[range].begin == base + from && set.ranges[range].end == base + at,
                      "range %u of %u is not %u-%u", range, set.count, from, at);
                CHECK(sequence_set_contains(&set, base + from, base + at), "contains");
                range++;
            }
            CHECK(range == set.count, "%u ranges, not %u", set.count, range);
        }
    }
}

// Options -------------------------------------------------------------------------------------------------------------

void solo5_console_write(const char *text, size_t size) {
    fwrite(text, 1, size, stdout); // what the refused options below say
}

void solo5_exit(int status) {
    exit(status);
}

static bool reads(const char *line, struct serve_options *options) {
    struct serve_config config = {.options = line};
    return serve_options_read(&config, options);
}

static void test_options(void) {
    struct serve_options options;
    CHECK(reads(NULL, &options) && options.ipv4 == 0x0a000002 && options.ipv4_mask == 0xffffff00, "defaults");
    CHECK(!options.has_ipv4 && options.connections_max == 1024 && options.send_buffer_bytes == 128 << 10, "defaults");
    CHECK(reads("first --ipv4=192.168.7.9/20 --other --ipv4-gateway=192.168.0.1 --mtu=1400", &options), "all");
    CHECK(options.ipv4 == 0xc0a80709 && options.ipv4_mask == 0xfffff000 && options.ipv4_gateway == 0xc0a80001, "all");
    CHECK(options.mtu == 1400 && options.has_ipv4, "all");
    static const char *const wrong[] = {
        "--ipv4=",
        "--ipv4=1.2.3/24",
        "--ipv4=10.0.0.2/",
        "--ipv4=10.0.0.2/0",
        "--ipv4=10.0.0.2/31",
        "--ipv4=10.0.0.2/33",
        "--ipv4=10.0.0.2/24x",
        "--ipv4=10.0.0.256/24",
        "--ipv4=10.0.0.0/24",
        "--ipv4=10.0.0.255/24",
        "--ipv4=127.0.0.1/8",
        "--ipv4=224.0.0.1/24",
        "--ipv4-gateway=x",
        "--ipv4-gateway=10.0.1.1",
        "--ipv4-gateway=10.0.0.2",
        "--ipv4-gateway=10.0.0.1/24",
        "--mtu=",
        "--mtu=575",
        "--mtu=9001",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK(!reads(wrong[i], &options), "%s", wrong[i]);
    struct serve_config odd = {
        .connections_max = UINT32_MAX, .receive_buffer_bytes = 1, .send_buffer_bytes = UINT32_MAX};
    CHECK(serve_options_read(&odd, &options), "limits");
    CHECK(options.connections_max == 1 << 20 && options.receive_buffer_bytes == 4096, "limits");
    CHECK(options.send_buffer_bytes == 1 << 20, "limits");
}

static void test_rate_limit(void) {
    struct rate_limit limit = {0};
    uint64_t now_ns = 5 * NS_PER_S;
    uint32_t passed = 0;
    for (int i = 0; i < 100; i++)
        passed += rate_limit_pass(&limit, now_ns, 1000, 10);
    CHECK(passed == 10, "%u at once", passed);
    for (int i = 0; i < 100; i++)
        passed += rate_limit_pass(&limit, now_ns += 100, 1000, 10);
    CHECK(passed == 20, "%u after 10 intervals", passed);
}

int main(int count, char **words) {
    uint64_t seed = count > 1 ? strtoull(words[1], NULL, 10) : 1;
    rng.state = seed;
    test_checksum();
    test_siphash();
    test_wheel();
    test_pool();
    test_byte_queue();
    test_sequence_set();
    test_options();
    test_rate_limit();
    printf("seed %" PRIu64 ": the parts hold\n", seed);
    return 0;
}
