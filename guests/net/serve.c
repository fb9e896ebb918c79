// serve.h on this stack, over one Solo5 network device.
#include "serve.h"

#include "net/net.h"
#include "net/secret.h"
#include "serve/options.h"

static struct net net;
static bool stopped;
static int stop_status;

static bool read_frame(void *context, uint8_t *frame, size_t room, size_t *frame_bytes) {
    solo5_handle_t *handle = context;
    return solo5_net_read(*handle, frame, room, frame_bytes) == SOLO5_R_OK;
}

static void write_frame(void *context, const uint8_t *frame, size_t frame_bytes) {
    solo5_handle_t *handle = context;
    (void)solo5_net_write(*handle, frame, frame_bytes); // a frame that is lost is sent again by whoever needs it
}

bool serve_init(const struct serve_config *config) {
    static solo5_handle_t handle;
    struct serve_options options;
    struct solo5_net_info info;
    const char *name = config->device_name ? config->device_name : "service";
    if (!serve_options_read(config, &options))
        return false;
    if (solo5_net_acquire(name, &handle, &info) != SOLO5_R_OK) {
        print("serve: no network device '%s': declare it in the image's manifest\n", name);
        return false;
    }
    if (info.mtu < NET_MTU_MIN || info.mtu > NET_MTU_MAX) {
        print("serve: device '%s' has an MTU of %zu: attach one with %u to %u\n", name, info.mtu, NET_MTU_MIN,
              NET_MTU_MAX);
        return false;
    }
    if (options.mtu > info.mtu) {
        print("serve: --mtu=%u is too much for device '%s': write %zu or less\n", options.mtu, name, info.mtu);
        return false;
    }
    struct net_config net_config = {
        .device = {.context = &handle, .read = read_frame, .write = write_frame},
        .device_mtu = (uint32_t)info.mtu,
        .mtu = options.mtu != 0 ? options.mtu : (uint32_t)info.mtu,
        .ipv4 = options.ipv4,
        .ipv4_mask = options.ipv4_mask,
        .ipv4_gateway = options.ipv4_gateway,
        .connections_max = options.connections_max,
        .receive_buffer_bytes = options.receive_buffer_bytes,
        .send_buffer_bytes = options.send_buffer_bytes,
        .memory = config->memory,
        .memory_bytes = config->memory_bytes,
        .now_ns = solo5_clock_monotonic(),
    };
    memcpy(net_config.ethernet.bytes, info.mac_address, sizeof net_config.ethernet);
    secret_gather(net_config.secret, (uint64_t)load_be32(info.mac_address + 2) << 32 | options.ipv4);
    if (!net_init(&net, &net_config)) {
        print("serve: %zu KiB are too little for %u connections: give the guest more memory\n",
              config->memory_bytes / 1024, options.connections_max);
        return false;
    }
    return true;
}

int serve_run(void) {
    const uint64_t wait_max_ns = 3600 * NS_PER_S; // hosts turn deadlines into other units, which end somewhere
    while (!stopped) {
        bool more = net_batch(&net, solo5_clock_monotonic());
        if (more || stopped)
            continue;
        uint64_t deadline_ns = net_deadline_ns(&net), latest_ns = net.now_ns + wait_max_ns;
        solo5_yield(deadline_ns < latest_ns ? deadline_ns : latest_ns, NULL);
    }
    stopped = false;
    return stop_status;
}

void serve_stop(int status) {
    stopped = true;
    stop_status = status;
}

void serve_on_batch(void (*on_batch)(void *user), void *user) {
    net.on_batch = on_batch;
    net.on_batch_user = user;
}

uint64_t serve_now_ns(void) {
    return net.now_ns;
}

void serve_timer_start(struct serve_timer *timer, uint64_t delay_ns,
                       void (*on_timer)(struct serve_timer *timer, void *user), void *user) {
    timer->on_timer = on_timer;
    timer->user = user;
    wheel_start_after(&net.wheel, timer, net.now_ns, delay_ns);
}

void serve_timer_stop(struct serve_timer *timer) {
    wheel_stop(&net.wheel, timer);
}

bool serve_tcp_listen(uint16_t port, uint32_t backlog, const struct serve_tcp_callbacks *callbacks, void *user) {
    return net_tcp_listen(&net, port, backlog, callbacks, user);
}

struct serve_tcp *serve_tcp_connect(const struct serve_address *to, const struct serve_tcp_callbacks *callbacks,
                                    void *user) {
    return net_tcp_connect(&net, to, callbacks, user);
}

struct serve_udp *serve_udp_bind(uint16_t port, serve_on_datagram *on_datagram, void *user) {
    return net_udp_bind(&net, port, on_datagram, user);
}
