// System calls, structures and numbers of Linux's sockets: socket(7), ip(7), tcp(7), epoll(7).
#ifndef SERVE_SOCKETS_CALLS_H
#define SERVE_SOCKETS_CALLS_H

#include "bindings/native/native.h"
#include "serve.h"

#if defined(__x86_64__)
enum {
    CALL_CLOSE = 3,
    CALL_CONNECT = 42,
    CALL_SENDTO = 44,
    CALL_RECVFROM = 45,
    CALL_SHUTDOWN = 48,
    CALL_BIND = 49,
    CALL_LISTEN = 50,
    CALL_SETSOCKOPT = 54,
    CALL_GETSOCKOPT = 55,
    CALL_ACCEPT4 = 288,
    CALL_RECVMMSG = 299,
};
#else
enum {
    CALL_CLOSE = 57,
    CALL_BIND = 200,
    CALL_LISTEN = 201,
    CALL_CONNECT = 203,
    CALL_SENDTO = 206,
    CALL_RECVFROM = 207,
    CALL_SETSOCKOPT = 208,
    CALL_GETSOCKOPT = 209,
    CALL_SHUTDOWN = 210,
    CALL_ACCEPT4 = 242,
    CALL_RECVMMSG = 243,
};
#endif

enum {
    LINUX_AF_INET = 2,
    LINUX_SOCK_STREAM = 1,
    LINUX_SOCK_DGRAM = 2,
    LINUX_SOCK_NONBLOCK = 04000,
    LINUX_SOCK_CLOEXEC = 02000000,
    LINUX_SOL_SOCKET = 1,
    LINUX_SO_REUSEADDR = 2,
    LINUX_SO_ERROR = 4,
    LINUX_SO_BROADCAST = 6,
    LINUX_SO_KEEPALIVE = 9,
    LINUX_SO_LINGER = 13,
    LINUX_IPPROTO_TCP = 6,
    LINUX_TCP_NODELAY = 1,
    LINUX_TCP_KEEPIDLE = 4,
    LINUX_TCP_KEEPINTVL = 5,
    LINUX_TCP_KEEPCNT = 6,
    LINUX_MSG_NOSIGNAL = 0x4000,
    LINUX_SHUT_WR = 1,
    LINUX_SIOCOUTQ = 0x5411,
    LINUX_EPOLL_CTL_ADD = 1,
};

enum {
    LINUX_EPOLLIN = 1,
    LINUX_EPOLLOUT = 4,
    LINUX_EPOLLERR = 8,
    LINUX_EPOLLHUP = 16,
    LINUX_EPOLLRDHUP = 0x2000,
};
#define LINUX_EPOLLET 0x80000000u

enum {
    ERROR_NO_MEMORY = -12,
    ERROR_TOO_MANY_FILES_OF_ALL = -23,
    ERROR_TOO_MANY_FILES = -24,
    ERROR_ADDRESS_IN_USE = -98,
    ERROR_CONNECTION_RESET = -104,
    ERROR_TIMED_OUT = -110,
    ERROR_REFUSED = -111,
    ERROR_IN_PROGRESS = -115,
};

struct linux_address {
    uint16_t family;
    uint8_t port[2]; // in network byte order, as the address
    uint8_t ipv4[4];
    uint8_t zero[8];
};

struct linux_buffer {
    void *bytes;
    size_t count;
};

// struct mmsghdr: struct msghdr, filled up to a multiple of 8 bytes, and the size received.
struct linux_message {
    struct linux_address *address;
    uint32_t address_bytes;
    struct linux_buffer *buffers;
    size_t buffers_count;
    void *control;
    size_t control_bytes;
    int flags;
    uint32_t padding;
    uint32_t received;
};

static inline struct linux_address linux_address_of(const struct serve_address *address) {
    struct linux_address result = {.family = LINUX_AF_INET};
    store_be16(result.port, address->port);
    store_be32(result.ipv4, address->ipv4);
    return result;
}

static inline struct serve_address serve_address_of(const struct linux_address *address) {
    return (struct serve_address){.ipv4 = load_be32(address->ipv4), .port = load_be16(address->port)};
}

static inline long linux_set_option(int fd, int level, int option, const void *value, size_t bytes) {
    return linux_call(CALL_SETSOCKOPT, fd, level, option, (long)value, (long)bytes, 0);
}

static inline void linux_set_number(int fd, int level, int option, int number) {
    (void)linux_set_option(fd, level, option, &number, sizeof number);
}

#endif
