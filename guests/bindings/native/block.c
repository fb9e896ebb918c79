#include "bindings/native/native.h"

#define DEFAULT_BLOCK_BYTES 512

void open_file(struct manifest_entry *device, const char *path) {
    enum { AT_FDCWD = -100, O_RDWR = 2, SEEK_END = 2 };
    long fd = linux_call(CALL_OPENAT, AT_FDCWD, (long)path, O_RDWR, 0, 0, 0);
    if (is_error(fd))
        fail("%s cannot be opened (error %ld)", path, -fd);
    long capacity = linux_call(CALL_LSEEK, fd, 0, SEEK_END, 0, 0, 0);
    struct device_block *block = &device->u.block;
    if (block->block_bytes == 0)
        block->block_bytes = DEFAULT_BLOCK_BYTES;
    if (is_error(capacity) || capacity == 0 || capacity % block->block_bytes != 0)
        fail("%s does not hold a number of blocks of %u bytes", path, block->block_bytes);
    block->capacity_bytes = (uint64_t)capacity;
    device->b.host_fd = (int)fd;
    device->attached = true;
}
