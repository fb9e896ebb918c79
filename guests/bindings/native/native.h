#ifndef NATIVE_H
#define NATIVE_H

#include "bindings/linux/linux.h"

// System calls that only the start needs.
#if defined(__x86_64__)
enum {
    CALL_LSEEK = 8,
    CALL_MMAP = 9,
    CALL_IOCTL = 16,
    CALL_SOCKET = 41,
    CALL_FCNTL = 72,
    CALL_EPOLL_CTL = 233,
    CALL_OPENAT = 257,
    CALL_TIMERFD_CREATE = 283,
    CALL_EPOLL_CREATE1 = 291,
    CALL_GETRANDOM = 318,
};
#else
enum {
    CALL_EPOLL_CREATE1 = 20,
    CALL_EPOLL_CTL = 21,
    CALL_FCNTL = 25,
    CALL_IOCTL = 29,
    CALL_OPENAT = 56,
    CALL_LSEEK = 62,
    CALL_TIMERFD_CREATE = 85,
    CALL_SOCKET = 198,
    CALL_MMAP = 222,
    CALL_GETRANDOM = 278,
};
#endif

static inline bool is_error(long result) {
    return result < 0 && result > -4096;
}

// Reads the options before the program's own words, named as Solo5's tenders name them: --mem=MIB, --net:NAME=TAP or
// @FD, --net-mac:NAME=MAC, --block:NAME=PATH, --block-sector-size:NAME=BYTES. Returns the first word that is none of
// them, or that follows "--".
char **read_options(char **words, uint64_t *memory_bytes);

// Whether a program needs no net device because Linux's sockets carry what it sends: false, unless what uses sockets
// defines it as true.
extern const bool native_uses_sockets;

// Makes the epoll set, and checks that every device is there.
void attach_devices(struct spt_boot_info *boot);

// The program's manifest, which the options fill in.
struct manifest *native_manifest(void);

void open_tap(struct manifest_entry *device, const char *interface);
void open_file(struct manifest_entry *device, const char *path);

#endif
