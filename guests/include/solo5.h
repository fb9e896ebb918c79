// The application interface of Solo5, as of its ABI of version 0.12: same names, types and results, so that a program
// written for either compiles with both. Freestanding C11.
#ifndef SOLO5_H
#define SOLO5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    SOLO5_R_OK = 0,
    SOLO5_R_AGAIN,  // nothing there yet: the same call may succeed later
    SOLO5_R_EINVAL, // an argument was refused
    SOLO5_R_EUNSPEC // the host failed
} solo5_result_t;

// Start and end ----------------------------------------------------------------------------------------------------

struct solo5_start_info {
    const char *cmdline;  // the words given to the program, joined by spaces
    uintptr_t heap_start; // one region, readable and writable, never executable;
    size_t heap_size;     // the stack grows down from its end
};

// Where the program begins; what it returns is its exit status.
int solo5_app_main(const struct solo5_start_info *info);

#define SOLO5_EXIT_SUCCESS 0
#define SOLO5_EXIT_FAILURE 1
#define SOLO5_EXIT_ABORT 255 // statuses from here on are not the program's to use

void solo5_exit(int status) __attribute__((noreturn));
void solo5_abort(void) __attribute__((noreturn));

// Time, in nanoseconds ---------------------------------------------------------------------------------------------

typedef uint64_t solo5_time_t;

solo5_time_t solo5_clock_monotonic(void); // since an unnamed moment in the past
solo5_time_t solo5_clock_wall(void);      // since 1970-01-01T00:00:00Z

// Waiting ----------------------------------------------------------------------------------------------------------

typedef uint64_t solo5_handle_t;
typedef uint64_t solo5_handle_set_t; // bit h stands for handle h

// Sleeps until the monotonic clock reaches `deadline` or a network device has a frame to read. `ready` (may be NULL)
// receives the devices that have one, the empty set at the deadline.
void solo5_yield(solo5_time_t deadline, solo5_handle_set_t *ready);

// Console ----------------------------------------------------------------------------------------------------------

// Always returns; bytes may be lost where the host cannot take them.
void solo5_console_write(const char *text, size_t size);

// Network ----------------------------------------------------------------------------------------------------------

#define SOLO5_NET_ALEN 6  // bytes of an Ethernet address
#define SOLO5_NET_HLEN 14 // bytes of an Ethernet header: to, from, type

struct solo5_net_info {
    uint8_t mac_address[SOLO5_NET_ALEN];
    size_t mtu; // without the Ethernet header
};

// A device of the manifest can be acquired once; again, or unknown, is SOLO5_R_EINVAL. Using a handle that was not
// acquired is SOLO5_R_EINVAL or ends the program.
solo5_result_t solo5_net_acquire(const char *name, solo5_handle_t *handle, struct solo5_net_info *info);

// Sends one frame of at most mtu + SOLO5_NET_HLEN bytes, header included. A host that is busy drops it in silence.
solo5_result_t solo5_net_write(solo5_handle_t handle, const uint8_t *frame, size_t size);

// Receives one frame into room for `size` bytes, at least mtu + SOLO5_NET_HLEN. SOLO5_R_AGAIN where none waits.
solo5_result_t solo5_net_read(solo5_handle_t handle, uint8_t *frame, size_t size, size_t *received);

// Block ------------------------------------------------------------------------------------------------------------

typedef uint64_t solo5_off_t;

struct solo5_block_info {
    solo5_off_t capacity;   // bytes
    solo5_off_t block_size; // bytes
};

solo5_result_t solo5_block_acquire(const char *name, solo5_handle_t *handle, struct solo5_block_info *info);

// One block a call: `size` is the block size and `offset` a multiple of it, inside the capacity; else SOLO5_R_EINVAL.
solo5_result_t solo5_block_write(solo5_handle_t handle, solo5_off_t offset, const uint8_t *data, size_t size);
solo5_result_t solo5_block_read(solo5_handle_t handle, solo5_off_t offset, uint8_t *data, size_t size);

// Thread-local storage (the local-exec model) ----------------------------------------------------------------------

// A thread's block: solo5_tls_size() bytes that the program provides, filled by solo5_tls_init(block), used from
// solo5_set_tls_base(solo5_tls_tp_offset(block)) on.
size_t solo5_tls_size(void);
uintptr_t solo5_tls_tp_offset(uintptr_t block);
solo5_result_t solo5_tls_init(uintptr_t block);
solo5_result_t solo5_set_tls_base(uintptr_t base);

#endif
