#include "servers/common/disk.h"

#define NOTHING_HELD UINT64_MAX

void disk_open(struct disk *disk, const char *name, struct arena *arena) {
    struct solo5_block_info info;
    if (solo5_block_acquire(name, &disk->handle, &info) != SOLO5_R_OK)
        fail("block device '%s' cannot be acquired", name);
    disk->bytes = info.capacity;
    disk->block_bytes = (uint32_t)info.block_size;
    disk->held_offset = NOTHING_HELD;
    disk->block = arena_take(arena, disk->block_bytes, 16);
    if (disk->block == NULL)
        fail("block device '%s': no memory for a block of %u bytes; give the guest more", name, disk->block_bytes);
}

static bool hold_block(struct disk *disk, uint64_t offset) {
    if (disk->held_offset == offset)
        return true;
    disk->held_offset = NOTHING_HELD;
    if (solo5_block_read(disk->handle, offset, disk->block, disk->block_bytes) != SOLO5_R_OK)
        return false;
    disk->held_offset = offset;
    return true;
}

bool disk_read(struct disk *disk, uint64_t offset, void *to, size_t size) {
    if (offset > disk->bytes || size > disk->bytes - offset)
        return false;
    uint8_t *out = to;
    while (size > 0) {
        uint32_t skipped = (uint32_t)(offset & (disk->block_bytes - 1)); // a block's size is a power of two
        uint64_t block = offset - skipped;
        size_t part = disk->block_bytes - skipped;
        if (part == disk->block_bytes && size >= part && disk->held_offset != block) {
            if (solo5_block_read(disk->handle, block, out, part) != SOLO5_R_OK)
                return false;
        } else {
            if (!hold_block(disk, block))
                return false;
            part = part < size ? part : size;
            memcpy(out, disk->block + skipped, part);
        }
        out += part;
        offset += part;
        size -= part;
    }
    return true;
}
