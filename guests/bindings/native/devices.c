#include "bindings/native/native.h"

// The program's own note, as MANIFEST of manifest.h lays it out.
extern const struct {
    struct note_header header;
    uint32_t padding;
    uint8_t manifest[];
} manifest_note;

__attribute__((weak)) const bool native_uses_sockets = false;

static union {
    struct manifest manifest;
    uint8_t bytes[sizeof(struct manifest) + MANIFEST_MAX_ENTRIES * sizeof(struct manifest_entry)];
} copy;

struct manifest *native_manifest(void) {
    if (copy.manifest.entries == 0)
        memcpy(copy.bytes, manifest_note.manifest, manifest_note.header.content_bytes - sizeof manifest_note.padding);
    return &copy.manifest;
}

static void add_to_set(int epoll_fd, int fd, uint64_t data) {
    enum { EPOLL_CTL_ADD = 1, EPOLLIN = 1 };
    struct epoll_event event = {.events = EPOLLIN, .data = data};
    long result = linux_call(CALL_EPOLL_CTL, epoll_fd, EPOLL_CTL_ADD, fd, (long)&event, 0, 0);
    if (is_error(result))
        fail("descriptor %d cannot be waited for (error %ld)", fd, -result);
}

void attach_devices(struct spt_boot_info *boot) {
    enum { CLOCK_MONOTONIC = 1, TFD_NONBLOCK = 04000 };
    boot->manifest = native_manifest();
    boot->epoll_fd = (int)linux_call(CALL_EPOLL_CREATE1, 0, 0, 0, 0, 0, 0);
    boot->timer_fd = (int)linux_call(CALL_TIMERFD_CREATE, CLOCK_MONOTONIC, TFD_NONBLOCK, 0, 0, 0, 0);
    add_to_set(boot->epoll_fd, boot->timer_fd, SPT_TIMER_EVENT);
    for (uint32_t i = 0; i < boot->manifest->entries; i++) {
        const struct manifest_entry *device = &boot->manifest->entry[i];
        bool spared = device->type == DEVICE_NET && native_uses_sockets;
        if (device->type == DEVICE_RESERVED || (spared && !device->attached))
            continue;
        if (!device->attached)
            fail("device '%s' is missing: give --%s:%s=...", device->name, device->type == DEVICE_NET ? "net" : "block",
                 device->name);
        if (device->type == DEVICE_NET)
            add_to_set(boot->epoll_fd, device->b.host_fd, i);
    }
}
