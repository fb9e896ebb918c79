// What a tender of the spt interface hands to a program. Layout after Solo5 0.12, include/spt_abi.h.
#ifndef ABI_SPT_H
#define ABI_SPT_H

#include <stdint.h>

#include "abi/manifest.h"

struct spt_boot_info {
    uint64_t memory_bytes;
    uint64_t image_end;
    const char *cmdline;
    const struct manifest *manifest;
    int epoll_fd; // holds each net device, its handle as data, and the timer
    int timer_fd;
};

#define SPT_TIMER_EVENT 0xfffffffeu // the timer's data in the epoll set

#endif
