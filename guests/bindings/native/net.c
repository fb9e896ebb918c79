#include "bindings/native/native.h"

#define INTERFACE_NAME_BYTES 16

enum { O_RDWR = 2, O_NONBLOCK = 04000 };

// struct ifreq (netdevice(7)).
struct interface_request {
    char name[INTERFACE_NAME_BYTES];
    union {
        int16_t flags;
        int32_t mtu;
        uint8_t size[24];
    } u;
};

static long open_interface(struct interface_request *request) {
    enum { AT_FDCWD = -100, TUNSETIFF = 0x400454ca, IFF_TAP = 2, IFF_NO_PI = 0x1000 };
    long fd = linux_call(CALL_OPENAT, AT_FDCWD, (long)"/dev/net/tun", O_RDWR | O_NONBLOCK, 0, 0, 0);
    if (is_error(fd))
        fail("/dev/net/tun cannot be opened (error %ld)", -fd);
    request->u.flags = IFF_TAP | IFF_NO_PI;
    long result = linux_call(CALL_IOCTL, fd, TUNSETIFF, (long)request, 0, 0, 0);
    if (is_error(result))
        fail("interface %s cannot be attached (error %ld)", request->name, -result);
    return fd;
}

static uint16_t read_mtu(struct interface_request *request) {
    enum { AF_INET = 2, SOCK_DGRAM = 2, SIOCGIFMTU = 0x8921 };
    long socket = linux_call(CALL_SOCKET, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
    long result = linux_call(CALL_IOCTL, socket, SIOCGIFMTU, (long)request, 0, 0, 0);
    if (is_error(result))
        fail("the MTU of %s cannot be read (error %ld)", request->name, -result);
    return (uint16_t)request->u.mtu;
}

static long use_descriptor(const char *text) {
    enum { F_SETFL = 4 };
    uint64_t fd;
    if (!word_to_u64((struct word){text, strlen(text)}, &fd) || fd > INT32_MAX)
        fail("--net: '@%s' names no descriptor", text);
    long result = linux_call(CALL_FCNTL, (long)fd, F_SETFL, O_NONBLOCK, 0, 0, 0);
    if (is_error(result))
        fail("--net: descriptor %lu cannot be used (error %ld)", fd, -result);
    return (long)fd;
}

// A locally administered address, as for any virtual interface.
static void make_mac(uint8_t mac[6]) {
    linux_call(CALL_GETRANDOM, (long)mac, 6, 0, 0, 0, 0);
    mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
}

void open_tap(struct manifest_entry *device, const char *interface) {
    static const uint8_t no_mac[6];
    struct device_net *net = &device->u.net;
    if (interface[0] == '@') {
        device->b.host_fd = (int)use_descriptor(interface + 1);
        net->mtu = 1500;
    } else {
        struct interface_request request = {.name = ""};
        size_t size = strlen(interface);
        if (size == 0 || size >= sizeof request.name)
            fail("--net: '%s' cannot be an interface's name", interface);
        memcpy(request.name, interface, size);
        device->b.host_fd = (int)open_interface(&request);
        net->mtu = read_mtu(&request);
    }
    if (memcmp(net->mac, no_mac, sizeof no_mac) == 0)
        make_mac(net->mac);
    device->attached = true;
}
