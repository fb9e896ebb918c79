// Declares as many devices as a manifest holds, block00 to block31 and net00 to net30, and touches each: writes and
// reads the first block, and sends one frame that carries the device's number, of EtherType 0x88b5 (for experiments).
#include "kit.h"
#include "manifest.h"

#define EIGHT(kind, prefix) \
    kind(prefix "0"), kind(prefix "1"), kind(prefix "2"), kind(prefix "3"), kind(prefix "4"), kind(prefix "5"), \
        kind(prefix "6"), kind(prefix "7")
#define TWO(kind, prefix) kind(prefix "8"), kind(prefix "9")
#define TEN(kind, prefix) EIGHT(kind, prefix), TWO(kind, prefix)

MANIFEST(TEN(BLOCK, "block0"), TEN(BLOCK, "block1"), TEN(BLOCK, "block2"), BLOCK("block30"), BLOCK("block31"),
         TEN(NET, "net0"), TEN(NET, "net1"), TEN(NET, "net2"), NET("net30"));

enum { BLOCKS = 32, NETS = 31, MAX_BLOCK_BYTES = 4096, FRAME_BYTES = 60 };

static void touch_block(unsigned number) {
    static uint8_t written[MAX_BLOCK_BYTES], readback[MAX_BLOCK_BYTES];
    char name[MANIFEST_NAME_BYTES];
    solo5_handle_t handle;
    struct solo5_block_info device;
    format_text(name, sizeof name, "block%02u", number);
    if (solo5_block_acquire(name, &handle, &device) != SOLO5_R_OK || device.block_size > sizeof written)
        fail("devices63: %s cannot be acquired", name);
    if (handle != 1 + number)
        fail("devices63: %s has handle %lu", name, handle);
    memset(written, (int)number + 1, sizeof written);
    if (solo5_block_write(handle, 0, written, device.block_size) != SOLO5_R_OK ||
        solo5_block_read(handle, 0, readback, device.block_size) != SOLO5_R_OK ||
        memcmp(written, readback, device.block_size) != 0)
        fail("devices63: %s does not keep what is written", name);
}

static void touch_net(unsigned number) {
    uint8_t frame[FRAME_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    char name[MANIFEST_NAME_BYTES];
    solo5_handle_t handle;
    struct solo5_net_info device;
    format_text(name, sizeof name, "net%02u", number);
    if (solo5_net_acquire(name, &handle, &device) != SOLO5_R_OK)
        fail("devices63: %s cannot be acquired", name);
    if (handle != 1 + BLOCKS + number)
        fail("devices63: %s has handle %lu", name, handle);
    memcpy(frame + 6, device.mac_address, sizeof device.mac_address);
    store_be16(frame + 12, 0x88b5);
    frame[14] = (uint8_t)number;
    if (solo5_net_write(handle, frame, sizeof frame) != SOLO5_R_OK)
        fail("devices63: %s cannot send", name);
}

int solo5_app_main(const struct solo5_start_info *info) {
    (void)info;
    for (unsigned i = 0; i < BLOCKS; i++)
        touch_block(i);
    for (unsigned i = 0; i < NETS; i++)
        touch_net(i);
    print("devices63: ok\n");
    return SOLO5_EXIT_SUCCESS;
}
