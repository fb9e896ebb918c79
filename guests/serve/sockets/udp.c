#include "serve/sockets/sockets.h"

enum {
    BATCH_DATAGRAMS = 32,
    BATCHES_MAX = 8,
    DATAGRAM_BYTES = INPUT_BYTES / BATCH_DATAGRAMS, // a longer one is cut off, as no sender on Ethernet makes one
    PAYLOAD_BYTES_MAX = 1472,
};

struct serve_udp *serve_udp_bind(uint16_t port, serve_on_datagram *on_datagram, void *user) {
    struct serve_udp *udp = sockets.udp;
    while (udp < sockets.udp + UDP_PORTS_MAX && udp->used)
        udp++;
    int fd = udp < sockets.udp + UDP_PORTS_MAX ? open_socket(LINUX_SOCK_DGRAM) : -1;
    if (fd < 0)
        return NULL;
    linux_set_number(fd, LINUX_SOL_SOCKET, LINUX_SO_BROADCAST, 1);
    struct serve_address own = {sockets.options.has_ipv4 ? sockets.options.ipv4 : 0, port};
    struct linux_address address = linux_address_of(&own);
    long result = linux_call(CALL_BIND, fd, (long)&address, sizeof address, 0, 0, 0);
    if (is_error(result)) {
        print("serve: UDP port %u cannot be bound (error %ld)\n", port, -result);
        linux_call(CALL_CLOSE, fd, 0, 0, 0, 0, 0);
        return NULL;
    }
    *udp = (struct serve_udp){
        .source = {SOURCE_UDP, fd}, .used = true, .on_datagram = on_datagram, .user = user};
    watch(&udp->source);
    return udp;
}

void udp_on_event(struct serve_udp *udp) {
    struct linux_address addresses[BATCH_DATAGRAMS];
    struct linux_buffer buffers[BATCH_DATAGRAMS];
    struct linux_message messages[BATCH_DATAGRAMS];
    udp->readable = true;
    for (int batch = 0; batch < BATCHES_MAX && udp->readable; batch++) {
        for (int i = 0; i < BATCH_DATAGRAMS; i++) {
            buffers[i] = (struct linux_buffer){sockets.input + i * DATAGRAM_BYTES, DATAGRAM_BYTES};
            messages[i] = (struct linux_message){.address = &addresses[i],
                                                 .address_bytes = sizeof addresses[i],
                                                 .buffers = &buffers[i],
                                                 .buffers_count = 1};
        }
        long count = linux_call(CALL_RECVMMSG, udp->source.fd, (long)messages, BATCH_DATAGRAMS, 0, 0, 0);
        // Any other error is of a datagram sent before (ICMP), and is told once.
        udp->readable = count != ERROR_AGAIN;
        for (long i = 0; i < count; i++) {
            struct serve_address peer = serve_address_of(&addresses[i]);
            udp->on_datagram(udp, &peer, buffers[i].bytes, messages[i].received, udp->user);
        }
    }
}

bool serve_udp_send(struct serve_udp *udp, const struct serve_address *peer, const void *bytes, size_t bytes_count) {
    if (bytes_count > PAYLOAD_BYTES_MAX)
        return false;
    struct linux_address address = linux_address_of(peer);
    long sent = linux_call(CALL_SENDTO, udp->source.fd, (long)bytes, (long)bytes_count, LINUX_MSG_NOSIGNAL,
                           (long)&address, sizeof address);
    return !is_error(sent) || sent == ERROR_AGAIN || sent == ERROR_NO_BUFFERS || sent == ERROR_REFUSED;
}
