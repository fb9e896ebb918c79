#include "bindings/hvt/hvt.h"

solo5_result_t solo5_net_write(solo5_handle_t handle, const uint8_t *frame, size_t size) {
    const struct manifest_entry *device = device_at(handle, DEVICE_NET);
    if (device == NULL || !net_size_fits(device, size))
        return SOLO5_R_EINVAL;
    struct hypercall_net net = {.handle = handle, .data = frame, .size = size};
    hypercall(HYPERCALL_NET_WRITE, &net);
    return (solo5_result_t)net.result;
}

solo5_result_t solo5_net_read(solo5_handle_t handle, uint8_t *frame, size_t size, size_t *received) {
    const struct manifest_entry *device = device_at(handle, DEVICE_NET);
    if (device == NULL || !net_buffer_fits(device, size))
        return SOLO5_R_EINVAL;
    struct hypercall_net net = {.handle = handle, .data = frame, .size = size};
    hypercall(HYPERCALL_NET_READ, &net);
    if (net.result == SOLO5_R_OK)
        *received = net.size;
    return (solo5_result_t)net.result;
}
