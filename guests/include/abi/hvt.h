// What a tender of the hvt interface hands to a program, and the hypercalls that it serves.
// Layout and numbers after Solo5 0.12, include/hvt_abi.h and hvt_ring.h. Pointers are guest addresses below 4 GiB.
#ifndef ABI_HVT_H
#define ABI_HVT_H

#include <stddef.h>
#include <stdint.h>

#include "abi/manifest.h"

struct hvt_boot_info {
    uint64_t memory_bytes;
    uint64_t image_end;
    uint64_t counter_hz; // of the time stamp counter, or of the generic timer
    const char *cmdline;
    const struct manifest *manifest;
    uint32_t host_features; // HVT_FEATURE_*
    uint32_t guest_features;
    struct net_ring *net_ring; // with HVT_FEATURE_RING_IO
};

#define HVT_FEATURE_RING_IO 1u

enum hypercall {
    HYPERCALL_WALLTIME = 1,
    HYPERCALL_PUTS = 2,
    HYPERCALL_POLL = 3,
    HYPERCALL_BLOCK_WRITE = 4,
    HYPERCALL_BLOCK_READ = 5,
    HYPERCALL_NET_WRITE = 6,
    HYPERCALL_NET_READ = 7,
    HYPERCALL_HALT = 8,
};

struct hypercall_walltime {
    uint64_t ns; // out
};

struct hypercall_puts {
    const char *text;
    size_t size;
};

struct hypercall_poll {
    uint64_t timeout_ns;
    uint64_t ready; // out
    int result;     // out
};

struct hypercall_block {
    uint64_t handle;
    uint64_t offset;
    const void *data;
    size_t size;
    int result; // out
};

struct hypercall_net {
    uint64_t handle;
    const void *data;
    size_t size; // what was received, after a read
    int result;  // out
};

// `cookie` may lead the tender to what it puts into a core file: HALT_COOKIE_BYTES that it can read.
#define HALT_COOKIE_BYTES 512

struct hypercall_halt {
    const void *cookie;
    int exit_status;
};

// The network ring: requests that the tender serves beside the running program, and their answers in the same order.
// Each count goes up for ever; an entry's place is its count modulo NET_RING_ENTRIES.
#define NET_RING_ENTRIES 1024u

enum net_ring_operation { NET_RING_WRITE = 1, NET_RING_READ = 2 };

struct net_ring_request {
    uint32_t operation;
    uint32_t handle;
    const void *data;
    uint32_t size;
    uint32_t id;
    uint64_t reserved;
};

// Of a read; a write is not answered.
struct net_ring_answer {
    uint32_t id;
    int32_t result;
    uint32_t size; // what was received
    uint32_t reserved;
};

struct net_ring {
    // Written by the program.
    uint32_t requests_made;
    uint32_t answers_taken;
    uint8_t reserved_0[56];
    // Written by the tender.
    uint32_t requests_taken;
    uint32_t answers_made;
    uint32_t wants_bell; // the tender sleeps until the doorbell rings
    uint8_t reserved_1[52];
    struct net_ring_request request[NET_RING_ENTRIES];
    struct net_ring_answer answer[NET_RING_ENTRIES];
};
_Static_assert(offsetof(struct net_ring, requests_taken) == 64, "a cache line each");
_Static_assert(offsetof(struct net_ring, request) == 128, "two cache lines of counts");

#endif
