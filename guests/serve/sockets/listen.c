#include "serve/sockets/sockets.h"

enum { ACCEPTED_MAX = 256 }; // in one batch

bool serve_tcp_listen(uint16_t port, uint32_t backlog, const struct serve_tcp_callbacks *callbacks, void *user) {
    struct listener *free = NULL;
    for (struct listener *listener = sockets.listeners; listener < sockets.listeners + LISTENERS_MAX; listener++) {
        if (listener->port == port)
            return false;
        if (listener->port == 0)
            free = listener;
    }
    int fd = free ? open_socket(LINUX_SOCK_STREAM) : -1;
    if (fd < 0)
        return false;
    linux_set_number(fd, LINUX_SOL_SOCKET, LINUX_SO_REUSEADDR, 1);
    linux_set_number(fd, LINUX_IPPROTO_TCP, LINUX_TCP_NODELAY, 1); // accepted sockets inherit it
    struct serve_address own = {sockets.options.has_ipv4 ? sockets.options.ipv4 : 0, port};
    struct linux_address address = linux_address_of(&own);
    if (backlog == 0)
        backlog = (sockets.options.connections_max + 1) / 2;
    long result = linux_call(CALL_BIND, fd, (long)&address, sizeof address, 0, 0, 0);
    if (!is_error(result))
        result = linux_call(CALL_LISTEN, fd, (long)backlog, 0, 0, 0, 0);
    if (is_error(result)) {
        print("serve: port %u cannot be listened on (%s%ld)\n", port,
              result == ERROR_ADDRESS_IN_USE ? "another program does; error " : "error ", -result);
        linux_call(CALL_CLOSE, fd, 0, 0, 0, 0, 0);
        return false;
    }
    *free = (struct listener){
        .source = {SOURCE_LISTENER, fd}, .port = port, .callbacks = callbacks, .user = user};
    watch(&free->source);
    return true;
}

static bool is_shortage(long error) {
    return error == ERROR_TOO_MANY_FILES || error == ERROR_TOO_MANY_FILES_OF_ALL || error == ERROR_NO_BUFFERS
           || error == ERROR_NO_MEMORY;
}

void listener_accept(struct listener *listener) {
    for (int i = 0; i < ACCEPTED_MAX && sockets.free; i++) {
        struct linux_address address;
        uint32_t bytes = sizeof address;
        long fd = linux_call(CALL_ACCEPT4, listener->source.fd, (long)&address, (long)&bytes,
                             LINUX_SOCK_NONBLOCK | LINUX_SOCK_CLOEXEC, 0, 0);
        if (is_error(fd)) {
            // What failed for one connection (accept(2), "Error handling") does not end the others.
            listener->readable = fd != ERROR_AGAIN;
            listener->stalled = is_shortage(fd);
            return;
        }
        listener->stalled = false;
        struct serve_address peer = serve_address_of(&address);
        struct serve_tcp *tcp = tcp_create((int)fd, &peer, listener->callbacks, listener->user);
        watch(&tcp->source);
        tcp_open(tcp);
    }
}

void listener_on_event(struct listener *listener) {
    listener->readable = true;
    listener_accept(listener);
}
