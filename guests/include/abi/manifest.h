// The application manifest: the devices that a program needs, in the order of their handles.
// Layout after Solo5 0.12, include/mft_abi.h.
#ifndef ABI_MANIFEST_H
#define ABI_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/note.h"

#define MANIFEST_VERSION 1
#define MANIFEST_MAX_ENTRIES 64
#define MANIFEST_NAME_BYTES 68

enum device_type { DEVICE_BLOCK = 1, DEVICE_NET = 2, DEVICE_RESERVED = 1 << 30 };

struct device_block {
    uint64_t capacity_bytes;
    uint16_t block_bytes;
};

struct device_net {
    uint8_t mac[6];
    uint16_t mtu;
};

struct manifest_entry {
    char name[MANIFEST_NAME_BYTES];
    uint32_t type;
    // What follows is zero in an image, and filled in by the tender.
    union {
        struct device_block block;
        struct device_net net;
    } u;
    union {
        int host_fd;
        uint64_t host_data;
    } b;
    bool attached;
};
_Static_assert(sizeof(struct manifest_entry) == 104, "as the tender lays it out");
_Static_assert(offsetof(struct manifest_entry, u) == 72, "as the tender lays it out");
_Static_assert(offsetof(struct manifest_entry, b) == 88, "as the tender lays it out");
_Static_assert(offsetof(struct manifest_entry, attached) == 96, "as the tender lays it out");

struct manifest {
    uint32_t version;
    uint32_t entries;
    struct manifest_entry entry[];
};

#endif
