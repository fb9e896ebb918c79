// What a tender of the hvt interface hands to a program, and the hypercalls that it serves.
// Layout and numbers after Solo5 0.12, include/hvt_abi.h. Pointers are guest addresses below 4 GiB.
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
};

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

#endif
