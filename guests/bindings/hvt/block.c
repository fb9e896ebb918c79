#include "bindings/hvt/hvt.h"

static solo5_result_t transfer(enum hypercall number, solo5_handle_t handle, solo5_off_t offset, const uint8_t *data,
                               size_t size) {
    const struct manifest_entry *device = device_at(handle, DEVICE_BLOCK);
    if (device == NULL || !block_range_fits(device, offset, size))
        return SOLO5_R_EINVAL;
    struct hypercall_block block = {.handle = handle, .offset = offset, .data = data, .size = size};
    hypercall(number, &block);
    return (solo5_result_t)block.result;
}

solo5_result_t solo5_block_write(solo5_handle_t handle, solo5_off_t offset, const uint8_t *data, size_t size) {
    return transfer(HYPERCALL_BLOCK_WRITE, handle, offset, data, size);
}

solo5_result_t solo5_block_read(solo5_handle_t handle, solo5_off_t offset, uint8_t *data, size_t size) {
    return transfer(HYPERCALL_BLOCK_READ, handle, offset, data, size);
}
