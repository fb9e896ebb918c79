#include "bindings/hvt/ring.h"

struct net_ring *net_ring;

// Not inlined: what a hypercall needs on the stack would slow down the ring.
__attribute__((noinline)) static solo5_result_t send_by_exit(solo5_handle_t handle, const uint8_t *frame, size_t size) {
    struct hypercall_net net = {.handle = handle, .data = frame, .size = size};
    hypercall(HYPERCALL_NET_WRITE, &net);
    return (solo5_result_t)net.result;
}

__attribute__((noinline)) static solo5_result_t receive_by_exit(solo5_handle_t handle, uint8_t *frame, size_t size,
                                                                size_t *received) {
    struct hypercall_net net = {.handle = handle, .data = frame, .size = size};
    hypercall(HYPERCALL_NET_READ, &net);
    if (net.result == SOLO5_R_OK)
        *received = net.size;
    return (solo5_result_t)net.result;
}

solo5_result_t solo5_net_write(solo5_handle_t handle, const uint8_t *frame, size_t size) {
    if (!net_size_fits(handle, size))
        return SOLO5_R_EINVAL;
    struct net_ring *ring = net_ring;
    if (ring == NULL)
        return send_by_exit(handle, frame, size);
    ring_send(ring, handle, frame, size);
    return SOLO5_R_OK;
}

solo5_result_t solo5_net_read(solo5_handle_t handle, uint8_t *frame, size_t size, size_t *received) {
    if (!net_buffer_fits(handle, size))
        return SOLO5_R_EINVAL;
    struct net_ring *ring = net_ring;
    return ring == NULL ? receive_by_exit(handle, frame, size, received)
                        : ring_receive(ring, handle, frame, size, received);
}
