// Sends frames as fast as it can, and tells how long that took: frames [COUNT] [BYTES]
// They have an Ethernet type for experiments (IEEE 802, 9.2.3), and go to the broadcast address.
#include "kit.h"
#include "manifest.h"

MANIFEST(NET("service"));

enum { BYTES_MAX = 1514 };

int solo5_app_main(const struct solo5_start_info *info) {
    static uint8_t frame[BYTES_MAX];
    uint64_t count = number_argument(info->cmdline, 0, 1000);
    uint64_t bytes = number_argument(info->cmdline, 1, 60);
    struct solo5_net_info net;
    solo5_handle_t handle;
    if (solo5_net_acquire("service", &handle, &net) != SOLO5_R_OK)
        fail("device 'service' cannot be acquired");
    if (bytes < SOLO5_NET_HLEN + sizeof count || bytes > BYTES_MAX)
        fail("frames have %zu to %d bytes", SOLO5_NET_HLEN + sizeof count, BYTES_MAX);
    memset(frame, 0xff, SOLO5_NET_ALEN);
    memcpy(frame + SOLO5_NET_ALEN, net.mac_address, SOLO5_NET_ALEN);
    store_be16(frame + 2 * SOLO5_NET_ALEN, 0x88b5);
    solo5_time_t start = solo5_clock_monotonic();
    for (uint64_t number = 0; number < count; number++) {
        memcpy(frame + SOLO5_NET_HLEN, &number, sizeof number);
        if (solo5_net_write(handle, frame, bytes) != SOLO5_R_OK)
            fail("frame %lu cannot be sent", number);
    }
    print("frames: sent=%lu bytes=%lu ns=%lu\n", count, bytes, solo5_clock_monotonic() - start);
    return SOLO5_EXIT_SUCCESS;
}
