// The Solo5 interface on Linux system calls: for spt images, and for native programs, which open their devices first.
#ifndef LINUX_H
#define LINUX_H

#include "abi/spt.h"
#include "bindings/bindings.h"
#include "bindings/linux/call.h"

#define ERROR_INTERRUPTED (-4)
#define ERROR_AGAIN (-11)
#define ERROR_NO_BUFFERS (-105)

// epoll_ctl(2); x86-64 alone packs it.
struct epoll_event {
    uint32_t events;
    uint64_t data;
}
#if defined(__x86_64__)
__attribute__((packed))
#endif
;

// Takes over the devices and the epoll set, and runs the program.
void linux_run(const struct spt_boot_info *info) __attribute__((noreturn));

void wait_use(const struct spt_boot_info *info);

#endif
