#include "serve/options.h"

enum { MTU_MIN = 576, MTU_MAX = 9000, PREFIX_MAX = 30, CONNECTIONS_MAX = 1 << 20 };

static bool wrong(const char *option, struct word value, const char *instead) {
    print("serve: --%s=%.*s is wrong: write %s\n", option, (int)value.size, value.at, instead);
    return false;
}

static bool read_ipv4(const char *line, struct serve_options *options) {
    struct word value;
    uint8_t bytes[4];
    unsigned bits;
    if (!find_option(line, "ipv4", &value))
        return true;
    const char *instead = "an address and its network's size, like --ipv4=10.0.0.2/24";
    if (!word_to_ipv4(value, bytes, &bits) || bits < 1 || bits == 31 || value.at[value.size - 1] == '/')
        return wrong("ipv4", value, instead);
    uint32_t ipv4 = load_be32(bytes), mask = UINT32_MAX << (32 - bits);
    bool is_network = bits <= PREFIX_MAX && ((ipv4 & ~mask) == 0 || (ipv4 | mask) == UINT32_MAX);
    if (ipv4 >> 24 == 0 || ipv4 >> 24 == 127 || ipv4 >> 28 >= 14 || is_network)
        return wrong("ipv4", value, "the address of a host, like --ipv4=10.0.0.2/24");
    options->has_ipv4 = true;
    options->ipv4 = ipv4;
    options->ipv4_mask = mask;
    return true;
}

static bool read_gateway(const char *line, struct serve_options *options) {
    struct word value;
    uint8_t bytes[4];
    unsigned bits;
    if (!find_option(line, "ipv4-gateway", &value))
        return true;
    if (!word_to_ipv4(value, bytes, &bits) || bits != 32)
        return wrong("ipv4-gateway", value, "an address, like --ipv4-gateway=10.0.0.1");
    options->ipv4_gateway = load_be32(bytes);
    if ((options->ipv4_gateway & options->ipv4_mask) != (options->ipv4 & options->ipv4_mask)
        || options->ipv4_gateway == options->ipv4)
        return wrong("ipv4-gateway", value, "the address of another host on the network of --ipv4");
    return true;
}

static bool read_mtu(const char *line, struct serve_options *options) {
    struct word value;
    uint64_t mtu;
    if (!find_option(line, "mtu", &value))
        return true;
    if (!word_to_u64(value, &mtu) || mtu < MTU_MIN || mtu > MTU_MAX)
        return wrong("mtu", value, "a number from 576 to 9000, like --mtu=1500");
    options->mtu = (uint32_t)mtu;
    return true;
}

static uint32_t within(uint32_t value, uint32_t otherwise, uint32_t least, uint32_t most) {
    if (value == 0)
        value = otherwise;
    return value < least ? least : value > most ? most : value;
}

bool serve_options_read(const struct serve_config *config, struct serve_options *options) {
    const char *line = config->options ? config->options : "";
    *options = (struct serve_options){
        .ipv4 = 0x0a000002,
        .ipv4_mask = 0xffffff00,
        .connections_max = within(config->connections_max, 1024, 1, CONNECTIONS_MAX),
        .receive_buffer_bytes = within(config->receive_buffer_bytes, 64 << 10, 4 << 10, 1 << 20),
        .send_buffer_bytes = within(config->send_buffer_bytes, 128 << 10, 8 << 10, 1 << 20),
    };
    return read_ipv4(line, options) && read_gateway(line, options) && read_mtu(line, options);
}
