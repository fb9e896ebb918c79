// Hosts with a stack each, joined by a link that loses, doubles, delays, reorders and damages frames: in one process,
// in virtual time, and the same for the same seed.
#ifndef TEST_LINK_H
#define TEST_LINK_H

#include "net/net.h"
#include "random.h"

enum { LINK_HOSTS = 2 };

struct link_quality {
    uint32_t loss, duplication, reordering, damage; // chances in a million
    uint64_t delay_ns, jitter_ns;                   // jitter keeps the order
    uint64_t bytes_per_second;                      // 0: without limit
    uint32_t queue_frames;                          // waiting for that rate, at most
};

struct link_frame;

struct link_host {
    struct net net;
    struct link *link;
    uint64_t departure_ns; // when the last frame has left, at the link's rate
    uint64_t arrival_ns;   // of the last frame, as long as the order is kept
    uint32_t index;
    uint32_t arrived_count;
    struct link_frame *arrived, **arrived_end;
    void *memory;
};

struct link {
    struct link_host hosts[LINK_HOSTS];
    struct link_quality quality;
    struct random random;
    uint64_t now_ns;
    struct link_frame **heap; // by arrival
    uint32_t heap_count, heap_room;
    uint64_t frames_sent, frames_lost;
    void (*on_frame)(struct link *link, struct link_host *from, const uint8_t *frame, size_t bytes); // may be NULL
};

struct link_options {
    struct link_quality quality;
    uint64_t seed;
    uint32_t mtu, connections_max, receive_buffer_bytes, send_buffer_bytes; // 0: as serve_init() takes them
    size_t memory_bytes;                                                    // 0: 4 MiB
};

// Host 0 is 10.0.0.1, host 1 is 10.0.0.2. Ends the process when it fails.
struct link *link_create(const struct link_options *options);
void link_destroy(struct link *link);

// Runs until `done` or no event is left or virtual time passes limit_ns; whether it was `done`.
bool link_run(struct link *link, bool (*done)(void *context), void *context, uint64_t limit_ns);

// Lets a frame arrive at a host, `delay_ns` from now, besides what is sent.
void link_inject(struct link *link, uint32_t to, const uint8_t *data, size_t bytes, uint64_t delay_ns);

// Ends the process with a message.
void link_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

// Fails where a connection's numbers contradict each other.
void link_check_sane(struct link_host *host);

// Fails unless nothing is held: no connection, no buffer, no callback.
void link_check_empty(struct link_host *host);

#endif
