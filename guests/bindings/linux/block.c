#include "bindings/linux/linux.h"

static solo5_result_t transfer(long call, solo5_handle_t handle, solo5_off_t offset, const uint8_t *data, size_t size) {
    const struct manifest_entry *device = device_at(handle, DEVICE_BLOCK);
    if (device == NULL || !block_range_fits(device, offset, size))
        return SOLO5_R_EINVAL;
    long moved = linux_call(call, device->b.host_fd, (long)data, (long)size, (long)offset, 0, 0);
    return moved == (long)size ? SOLO5_R_OK : SOLO5_R_EUNSPEC;
}

solo5_result_t solo5_block_write(solo5_handle_t handle, solo5_off_t offset, const uint8_t *data, size_t size) {
    return transfer(CALL_PWRITE64, handle, offset, data, size);
}

solo5_result_t solo5_block_read(solo5_handle_t handle, solo5_off_t offset, uint8_t *data, size_t size) {
    return transfer(CALL_PREAD64, handle, offset, data, size);
}
