// What the parts of a binding know of each other.
#ifndef BINDINGS_H
#define BINDINGS_H

#include "abi/manifest.h"
#include "kit.h"

// Start -------------------------------------------------------------------------------------------------------------

// Runs the program, and ends with its status. The heap goes from the image's end to `memory_end`.
void run_program(const char *cmdline, uintptr_t image_end, uintptr_t memory_end) __attribute__((noreturn));

// Gives the stack guard a value for this run; the caller must never return.
void seed_stack_guard(uint64_t entropy);

// Devices -----------------------------------------------------------------------------------------------------------

void devices_use(const struct manifest *manifest);

// Marks a device as acquired; NULL where no such device waits for it.
const struct manifest_entry *device_acquire(const char *name, uint32_t type, solo5_handle_t *handle);

// An acquired device, or NULL.
const struct manifest_entry *device_at(solo5_handle_t handle, uint32_t type);

bool block_range_fits(const struct manifest_entry *device, solo5_off_t offset, size_t size);

// The frames that each acquired net device takes, by how much longer than the shortest they may be, plus one; 0 of what is
// none. And the largest buffers that are too small for what it receives; of what is none, all are. The checks are a few
// inline instructions: on a processor that is emulated they take as long as the frame's way out.
extern uint32_t net_frame_lengths[MANIFEST_MAX_ENTRIES];
extern uint64_t net_buffer_too_small[MANIFEST_MAX_ENTRIES];

// Of a frame to send.
static inline bool net_size_fits(solo5_handle_t handle, size_t size) {
    return handle < MANIFEST_MAX_ENTRIES && size - SOLO5_NET_HLEN < net_frame_lengths[handle];
}

// For any frame received.
static inline bool net_buffer_fits(solo5_handle_t handle, size_t size) {
    return handle < MANIFEST_MAX_ENTRIES && size > net_buffer_too_small[handle];
}

// What each binding provides ------------------------------------------------------------------------------------------

void platform_exit(int status) __attribute__((noreturn));
bool platform_set_tls_base(uintptr_t base);

#endif
