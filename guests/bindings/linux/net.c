#include "bindings/linux/linux.h"

solo5_result_t solo5_net_write(solo5_handle_t handle, const uint8_t *frame, size_t size) {
    if (!net_size_fits(handle, size))
        return SOLO5_R_EINVAL;
    long written = linux_call(CALL_WRITE, device_at(handle, DEVICE_NET)->b.host_fd, (long)frame, (long)size, 0, 0, 0);
    if (written == ERROR_AGAIN || written == ERROR_NO_BUFFERS)
        return SOLO5_R_OK; // dropped, as a network may
    return written == (long)size ? SOLO5_R_OK : SOLO5_R_EUNSPEC;
}

solo5_result_t solo5_net_read(solo5_handle_t handle, uint8_t *frame, size_t size, size_t *received) {
    if (!net_buffer_fits(handle, size))
        return SOLO5_R_EINVAL;
    long count = linux_call(CALL_READ, device_at(handle, DEVICE_NET)->b.host_fd, (long)frame, (long)size, 0, 0, 0);
    if (count == ERROR_AGAIN)
        return SOLO5_R_AGAIN;
    if (count < 0)
        return SOLO5_R_EUNSPEC;
    *received = (size_t)count;
    return SOLO5_R_OK;
}
