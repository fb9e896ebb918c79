// Answers ARP requests, ICMP echo requests and datagrams to UDP port 7 for one IPv4 address, in the frame itself.
#ifndef LIB_ECHO_H
#define LIB_ECHO_H

#include "kit.h"

struct echo {
    uint8_t mac[6];
    uint8_t address[4];
};

// Turns a received frame into its answer; false where it deserves none.
bool echo_answer(const struct echo *self, uint8_t *frame, size_t size);

// An interface with an address.
struct echo_port {
    solo5_handle_t handle;
    struct echo self;
};

// Acquires the device, whose address the option `--option=ADDRESS/BITS` gives; fails where it does not.
struct echo_port echo_open(const char *cmdline, const char *device, const char *option, const char *otherwise);

// Answers until `limit` frames have been answered.
void echo_serve(const struct echo_port *ports, size_t count, uint64_t limit);

#endif
