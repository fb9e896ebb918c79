// Writes and reads the block device `storage`, and checks that nothing outside it can be reached. Overwrites it.
#include "kit.h"
#include "manifest.h"

MANIFEST(BLOCK("storage"));

#define MAX_BLOCK_BYTES 65536u

static solo5_handle_t handle;
static struct solo5_block_info device;
static uint8_t written[MAX_BLOCK_BYTES];
static uint8_t readback[MAX_BLOCK_BYTES];

static void expect(solo5_result_t result, solo5_result_t expected, const char *what) {
    if (result != expected)
        fail("block: %s gave result %d, not %d", what, (int)result, (int)expected);
}

static void fill(uint64_t offset, uint8_t salt) {
    for (size_t i = 0; i < device.block_size; i++)
        written[i] = (uint8_t)(offset / device.block_size * 7 + i * 31 + salt);
}

static void round_trip(uint64_t offset) {
    for (uint8_t salt = 0; salt < 2; salt++) {
        fill(offset, salt);
        memset(readback, 0xee, device.block_size);
        expect(solo5_block_write(handle, offset, written, device.block_size), SOLO5_R_OK, "a write");
        expect(solo5_block_read(handle, offset, readback, device.block_size), SOLO5_R_OK, "a read");
        if (memcmp(written, readback, device.block_size) != 0)
            fail("block: the block at %lu reads otherwise than it was written", offset);
    }
}

static void refuse(uint64_t offset, size_t size, const char *what) {
    expect(solo5_block_write(handle, offset, written, size), SOLO5_R_EINVAL, what);
    expect(solo5_block_read(handle, offset, readback, size), SOLO5_R_EINVAL, what);
}

int solo5_app_main(const struct solo5_start_info *info) {
    (void)info;
    solo5_handle_t again;
    expect(solo5_block_acquire("nothing", &handle, &device), SOLO5_R_EINVAL, "acquiring an unknown device");
    expect(solo5_block_acquire("storage", &handle, &device), SOLO5_R_OK, "acquiring the device");
    expect(solo5_block_acquire("storage", &again, &device), SOLO5_R_EINVAL, "acquiring the device twice");
    print("block: capacity=%lu block_size=%lu\n", device.capacity, device.block_size);
    if (device.block_size > MAX_BLOCK_BYTES)
        fail("block: a block has more than %u bytes", MAX_BLOCK_BYTES);

    uint64_t blocks = device.capacity / device.block_size;
    uint64_t step = blocks / 8 == 0 ? 1 : blocks / 8;
    for (uint64_t block = 0; block < blocks; block += step)
        round_trip(block * device.block_size);
    round_trip(device.capacity - device.block_size);

    size_t size = device.block_size;
    refuse(0, 0, "no byte");
    refuse(0, size - 1, "less than a block");
    refuse(0, size * 2, "more than a block");
    refuse(1, size, "an offset inside a block");
    refuse(device.capacity - size / 2, size, "half a block past the end");
    refuse(device.capacity, size, "the block after the last");
    refuse((uint64_t)0 - size, size, "the last block below 2^64");
    expect(solo5_block_read(handle + 1, 0, readback, size), SOLO5_R_EINVAL, "an unknown handle");
    print("block: ok\n");
    return SOLO5_EXIT_SUCCESS;
}
