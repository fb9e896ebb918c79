// stamps: tells the ways of a datagram apart, for a client that reads the same clock.
// At UDP port 7 a datagram may begin with a number (64 bits, network order) of calls to make before it is answered: each
// asks the devices for news, and finds none. The answer is two numbers alike, both times of the monotonic clock in
// nanoseconds: when the program got the datagram, and when it gives the answer away.
#include "kit.h"
#include "serve.h"

enum { PORT = 7, STACK_BYTES = 64 * 1024, CALLS_MAX = 1000000 };

static uint64_t load_be64(const uint8_t *at) {
    return (uint64_t)load_be32(at) << 32 | load_be32(at + 4);
}

static void store_be64(uint8_t *at, uint64_t value) {
    store_be32(at, (uint32_t)(value >> 32));
    store_be32(at + 4, (uint32_t)value);
}

static void on_datagram(struct serve_udp *udp, const struct serve_address *peer, const uint8_t *bytes, size_t count,
                        void *user) {
    (void)user;
    uint8_t answer[16];
    store_be64(answer, solo5_clock_monotonic());
    uint64_t calls = count < 8 ? 0 : load_be64(bytes);
    for (uint64_t i = 0; i < calls && i < CALLS_MAX; i++)
        solo5_yield(0, NULL);
    store_be64(answer + 8, solo5_clock_monotonic());
    serve_udp_send(udp, peer, answer, sizeof answer);
}

int solo5_app_main(const struct solo5_start_info *info) {
    struct arena heap = arena_of(info, STACK_BYTES);
    struct serve_config config = {
        .options = info->cmdline,
        .memory = (void *)heap.next,
        .memory_bytes = heap.end - heap.next,
        .connections_max = 16,
    };
    if (!serve_init(&config))
        return SOLO5_EXIT_FAILURE;
    if (serve_udp_bind(PORT, on_datagram, NULL) == NULL)
        fail("port %d cannot be bound", PORT);
    print("stamps: ready\n");
    return serve_run();
}
