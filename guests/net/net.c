#include "net/net.h"

bool rate_limit_pass(struct rate_limit *limit, uint64_t now_ns, uint64_t interval_ns, uint32_t burst) {
    if (limit->full_ns < now_ns)
        limit->full_ns = now_ns;
    if (limit->full_ns - now_ns > interval_ns * (burst - 1))
        return false;
    limit->full_ns += interval_ns;
    return true;
}

bool net_init(struct net *net, const struct net_config *config) {
    memset(net, 0, sizeof *net);
    net->device = config->device;
    net->ethernet = config->ethernet;
    net->device_mtu = config->device_mtu;
    net->mtu = config->mtu;
    net->ipv4 = config->ipv4;
    net->ipv4_mask = config->ipv4_mask;
    net->ipv4_gateway = config->ipv4_gateway;
    net->connections_max = config->connections_max;
    net->receive_buffer_bytes = config->receive_buffer_bytes;
    net->send_buffer_bytes = config->send_buffer_bytes;
    memcpy(net->secret, config->secret, sizeof net->secret);
    net->now_ns = config->now_ns;
    wheel_init(&net->wheel, config->now_ns);
    struct arena arena = {(uintptr_t)config->memory, (uintptr_t)config->memory + config->memory_bytes};
    if (!tcp_init(net, &arena)
        || !pool_init(&net->pool, (void *)arena.next, arena.end - arena.next))
        return false;
    arp_init(net);
    return true;
}

bool net_batch(struct net *net, uint64_t now_ns) {
    net->now_ns = now_ns;
    uint8_t *frame = net->input + NET_FRAME_OFFSET;
    size_t frame_bytes, room = ETHERNET_HEADER_BYTES + net->device_mtu;
    uint32_t frames = 0;
    while (frames < NET_BATCH_FRAMES && net->device.read(net->device.context, frame, room, &frame_bytes)) {
        frames++;
        ethernet_input(net, frame, frame_bytes);
    }
    net->counters.frames_in += frames;
    wheel_run(&net->wheel, now_ns);
    tcp_call_events(net);
    if (net->on_batch)
        net->on_batch(net->on_batch_user);
    tcp_flush(net);
    return frames == NET_BATCH_FRAMES || tcp_has_events(net);
}

uint64_t net_deadline_ns(const struct net *net) {
    return wheel_deadline_ns(&net->wheel);
}
