#include "bindings/linux/linux.h"

solo5_result_t solo5_net_write(solo5_handle_t handle, const uint8_t *frame, size_t size) {
    const struct manifest_entry *device = device_at(handle, DEVICE_NET);
    if (device == NULL || !net_size_fits(device, size))
        return SOLO5_R_EINVAL;
    long written = linux_call(CALL_WRITE, device->b.host_fd, (long)frame, (long)size, 0, 0, 0);
    if (written == ERROR_AGAIN || written == ERROR_NO_BUFFERS)
        return SOLO5_R_OK; // dropped, as a network may
    return written == (long)size ? SOLO5_R_OK : SOLO5_R_EUNSPEC;
}

solo5_result_t solo5_net_read(solo5_handle_t handle, uint8_t *frame, size_t size, size_t *received) {
    const struct manifest_entry *device = device_at(handle, DEVICE_NET);
    if (device == NULL || !net_buffer_fits(device, size))
        return SOLO5_R_EINVAL;
    long count = linux_call(CALL_READ, device->b.host_fd, (long)frame, (long)size, 0, 0, 0);
    if (count == ERROR_AGAIN)
        return SOLO5_R_AGAIN;
    if (count < 0)
        return SOLO5_R_EUNSPEC;
    *received = (size_t)count;
    return SOLO5_R_OK;
}
