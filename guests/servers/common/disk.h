// A block device, read at any offset and in any size, though a device gives one whole block a call.
#ifndef DISK_H
#define DISK_H

#include "kit.h"

struct disk {
    solo5_handle_t handle;
    uint64_t bytes;
    uint32_t block_bytes;
    uint8_t *block;         // one block, held for the next read of a part of it
    uint64_t held_offset;   // of that block; UINT64_MAX: none
};

// Acquires the device `name` of the manifest; ends the program with a line that says what is wrong.
void disk_open(struct disk *disk, const char *name, struct arena *arena);

// Reads `size` bytes at `offset`. False: they lie outside the device, or the host failed.
bool disk_read(struct disk *disk, uint64_t offset, void *to, size_t size);

#endif
