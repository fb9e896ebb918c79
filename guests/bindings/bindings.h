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

// Largest frame of each acquired net device; 0 of what is none. The checks of frames are a few inline instructions: on a
// processor that is emulated they take as long as the frame's way out.
extern uint32_t net_frame_bytes[MANIFEST_MAX_ENTRIES];

static inline uint32_t net_frame_max(solo5_handle_t handle) {
    return handle < MANIFEST_MAX_ENTRIES ? net_frame_bytes[handle] : 0;
}

// Of a frame to send.
static inline bool net_size_fits(solo5_handle_t handle, size_t size) {
    return size >= SOLO5_NET_HLEN && size <= net_frame_max(handle);
}

// For any frame received.
static inline bool net_buffer_fits(solo5_handle_t handle, size_t size) {
    uint32_t max = net_frame_max(handle);
    return max != 0 && size >= max;
}

// What each binding provides ------------------------------------------------------------------------------------------

void platform_exit(int status) __attribute__((noreturn));
bool platform_set_tls_base(uintptr_t base);

#endif
