// What serve_init() is told, with every default filled in.
#ifndef SERVE_OPTIONS_H
#define SERVE_OPTIONS_H

#include "kit.h"
#include "serve.h"

struct serve_options {
    bool has_ipv4;
    uint32_t ipv4, ipv4_mask, ipv4_gateway;
    uint32_t mtu; // 0: the device's
    uint32_t connections_max, receive_buffer_bytes, send_buffer_bytes;
};

// False: an option makes no sense, and a line on the console says which.
bool serve_options_read(const struct serve_config *config, struct serve_options *options);

#endif
