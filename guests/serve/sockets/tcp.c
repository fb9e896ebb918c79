// Connections: how they begin and end, and the application's calls.
#include "serve/sockets/sockets.h"

static void on_idle_timer(struct serve_timer *timer, void *user);
static void on_linger_timer(struct serve_timer *timer, void *user);

struct serve_tcp *tcp_create(int fd, const struct serve_address *peer, const struct serve_tcp_callbacks *callbacks,
                             void *user) {
    struct serve_tcp *tcp = sockets.free;
    sockets.free = tcp->next;
    *tcp = (struct serve_tcp){
        .source = {SOURCE_TCP, fd},
        .state = TCP_CONNECTING,
        .peer = *peer,
        .callbacks = callbacks,
        .user = user,
        .writable = true,
        .progress_ns = sockets.now_ns,
        .idle_timer = {.on_timer = on_idle_timer, .user = tcp},
        .linger_timer = {.on_timer = on_linger_timer, .user = tcp},
    };
    list_init(&tcp->dirty);
    list_init(&tcp->events);
    list_init(&tcp->starved);
    return tcp;
}

static void mark_dirty(struct serve_tcp *tcp) {
    list_append(&sockets.dirty, &tcp->dirty);
}

static void add_event(struct serve_tcp *tcp) {
    list_append(&sockets.events, &tcp->events);
}

static void start_idle_timer(struct serve_tcp *tcp) {
    if (tcp->idle_timeout_ns == 0 || tcp->state != TCP_OPEN)
        wheel_stop(&sockets.wheel, &tcp->idle_timer);
    else
        wheel_start_after(&sockets.wheel, &tcp->idle_timer, tcp->progress_ns, tcp->idle_timeout_ns);
}

void tcp_open(struct serve_tcp *tcp) {
    tcp->state = TCP_OPEN;
    tcp->progress_ns = sockets.now_ns;
    start_idle_timer(tcp);
    mark_dirty(tcp);
    if (!tcp->released && tcp->callbacks->on_open)
        tcp->callbacks->on_open(tcp);
}

enum serve_closed tcp_reason_of(long error) {
    switch (error) {
    case ERROR_REFUSED:
        return SERVE_CLOSED_REFUSED;
    case ERROR_TIMED_OUT:
        return SERVE_CLOSED_TIMEOUT;
    default:
        return SERVE_CLOSED_RESET;
    }
}

static void end_connecting(struct serve_tcp *tcp) {
    int error = 0;
    uint32_t bytes = sizeof error;
    linux_call(CALL_GETSOCKOPT, tcp->source.fd, LINUX_SOL_SOCKET, LINUX_SO_ERROR, (long)&error, (long)&bytes, 0);
    if (error == 0)
        tcp_open(tcp);
    else
        tcp_drop(tcp, -error == ERROR_TIMED_OUT ? SERVE_CLOSED_TIMEOUT : SERVE_CLOSED_REFUSED);
}

void tcp_on_event(struct serve_tcp *tcp, uint32_t events) {
    if (tcp->state == TCP_CONNECTING && (events & (LINUX_EPOLLOUT | LINUX_EPOLLERR | LINUX_EPOLLHUP)) != 0)
        end_connecting(tcp);
    if (tcp->state != TCP_OPEN)
        return;
    if ((events & LINUX_EPOLLOUT) != 0) {
        tcp->writable = true;
        if (tcp->send.count > 0)
            mark_dirty(tcp);
    }
    if ((events & (LINUX_EPOLLRDHUP | LINUX_EPOLLHUP | LINUX_EPOLLERR)) != 0)
        tcp->hung_up = true;
    if ((events & (LINUX_EPOLLIN | LINUX_EPOLLRDHUP | LINUX_EPOLLHUP | LINUX_EPOLLERR)) != 0) {
        tcp->readable = true;
        tcp_read(tcp);
    }
}

void tcp_drop(struct serve_tcp *tcp, enum serve_closed reason) {
    if (tcp->state == TCP_CLOSED)
        return;
    tcp->state = TCP_CLOSED;
    linux_call(CALL_CLOSE, tcp->source.fd, 0, 0, 0, 0, 0);
    wheel_stop(&sockets.wheel, &tcp->idle_timer);
    wheel_stop(&sockets.wheel, &tcp->linger_timer);
    list_remove(&tcp->dirty);
    list_remove(&tcp->starved);
    byte_queue_release(&tcp->send, &sockets.pool);
    if (!tcp->in_on_data)
        byte_queue_release(&tcp->receive, &sockets.pool);
    tcp->closed_due = true;
    tcp->closed_reason = tcp->timed_out && reason == SERVE_CLOSED_DONE ? SERVE_CLOSED_TIMEOUT : reason;
    add_event(tcp);
}

void tcp_drop_if_done(struct serve_tcp *tcp) {
    if (tcp->state == TCP_OPEN && tcp->ended && tcp->fin_sent && (tcp->released || tcp->receive.count == 0))
        tcp_drop(tcp, SERVE_CLOSED_DONE);
}

// RST instead of FIN (socket(7), SO_LINGER).
static void reset(struct serve_tcp *tcp, enum serve_closed reason) {
    const int at_once[2] = {1, 0};
    linux_set_option(tcp->source.fd, LINUX_SOL_SOCKET, LINUX_SO_LINGER, at_once, sizeof at_once);
    tcp_drop(tcp, reason);
}

void tcp_call_events(struct serve_tcp *tcp) {
    if (tcp->closed_due) {
        if (tcp->callbacks->on_closed)
            tcp->callbacks->on_closed(tcp, tcp->closed_reason);
        tcp->next = sockets.free;
        sockets.free = tcp;
        return;
    }
    if (tcp->writable_due) {
        tcp->writable_due = false;
        tcp_tell_writable(tcp);
    }
    if (tcp->resume_due && tcp->state == TCP_OPEN) {
        tcp->resume_due = false;
        tcp_deliver(tcp);
    }
    if (tcp->readable && tcp->state == TCP_OPEN)
        tcp_read(tcp);
}

// Timers --------------------------------------------------------------------------------------------------------------

void tcp_start_linger_timer(struct serve_tcp *tcp, uint64_t delay_ns) {
    wheel_start_after(&sockets.wheel, &tcp->linger_timer, sockets.now_ns, delay_ns);
}

// Runs from serve_tcp_close() on.
static void on_linger_timer(struct serve_timer *timer, void *user) {
    struct serve_tcp *tcp = user;
    (void)timer;
    int unacknowledged = 0;
    linux_call(CALL_IOCTL, tcp->source.fd, LINUX_SIOCOUTQ, (long)&unacknowledged, 0, 0, 0);
    bool waits = unacknowledged > 0 || tcp->send.count > 0;
    if (waits && sockets.now_ns - tcp->progress_ns < CLOSED_STALL_NS)
        tcp_start_linger_timer(tcp, LINGER_NS);
    else
        reset(tcp, SERVE_CLOSED_TIMEOUT);
}

static void on_idle_timer(struct serve_timer *timer, void *user) {
    struct serve_tcp *tcp = user;
    (void)timer;
    if (sockets.now_ns - tcp->progress_ns < tcp->idle_timeout_ns) {
        start_idle_timer(tcp);
        return;
    }
    int unacknowledged = 0;
    linux_call(CALL_IOCTL, tcp->source.fd, LINUX_SIOCOUTQ, (long)&unacknowledged, 0, 0, 0);
    tcp->idle_timeout_ns = 0;
    tcp->timed_out = true;
    if (unacknowledged == 0 && tcp->send.count == 0)
        serve_tcp_close(tcp);
    else
        reset(tcp, SERVE_CLOSED_TIMEOUT);
}

// The application's calls ---------------------------------------------------------------------------------------------

struct serve_tcp *serve_tcp_connect(const struct serve_address *to, const struct serve_tcp_callbacks *callbacks,
                                    void *user) {
    int fd = sockets.free ? open_socket(LINUX_SOCK_STREAM) : -1;
    if (fd < 0)
        return NULL;
    linux_set_number(fd, LINUX_IPPROTO_TCP, LINUX_TCP_NODELAY, 1);
    struct linux_address address = linux_address_of(to);
    long result = linux_call(CALL_CONNECT, fd, (long)&address, sizeof address, 0, 0, 0);
    if (is_error(result) && result != ERROR_IN_PROGRESS) {
        linux_call(CALL_CLOSE, fd, 0, 0, 0, 0, 0);
        return NULL;
    }
    struct serve_tcp *tcp = tcp_create(fd, to, callbacks, user);
    watch(&tcp->source);
    return tcp;
}

void serve_tcp_shutdown(struct serve_tcp *tcp) {
    if (tcp->fin_queued || tcp->state == TCP_CLOSED)
        return;
    tcp->fin_queued = true;
    tcp->wants_writable = false;
    list_remove(&tcp->starved);
    mark_dirty(tcp);
}

void serve_tcp_close(struct serve_tcp *tcp) {
    if (tcp->released || tcp->state == TCP_CLOSED)
        return;
    tcp->released = true;
    tcp->progress_ns = sockets.now_ns;
    serve_tcp_shutdown(tcp);
    mark_dirty(tcp);
    if (!tcp->in_on_data)
        byte_queue_release(&tcp->receive, &sockets.pool);
    tcp_start_linger_timer(tcp, LINGER_NS);
    if (tcp->readable) // reading may have stopped at a full buffer
        add_event(tcp);
}

void serve_tcp_abort(struct serve_tcp *tcp) {
    if (tcp->state != TCP_CLOSED)
        reset(tcp, SERVE_CLOSED_ABORTED);
}

void serve_tcp_resume(struct serve_tcp *tcp) {
    if ((tcp->receive.count == 0 && !tcp->in_on_data) || tcp->released || tcp->state == TCP_CLOSED)
        return;
    tcp->resume_due = true;
    add_event(tcp);
}

void *serve_tcp_user(const struct serve_tcp *tcp) {
    return tcp->user;
}

void serve_tcp_set_user(struct serve_tcp *tcp, void *user) {
    tcp->user = user;
}

void serve_tcp_set_idle_timeout(struct serve_tcp *tcp, uint64_t timeout_ns) {
    tcp->idle_timeout_ns = timeout_ns;
    start_idle_timer(tcp);
}

void serve_tcp_set_nodelay(struct serve_tcp *tcp, bool nodelay) {
    if (tcp->state != TCP_CLOSED)
        linux_set_number(tcp->source.fd, LINUX_IPPROTO_TCP, LINUX_TCP_NODELAY, nodelay);
}

static int seconds_of(uint64_t ns) {
    uint64_t seconds = (ns + NS_PER_S - 1) / NS_PER_S;
    return seconds < 32767 ? (int)seconds : 32767; // tcp(7): the most that Linux takes
}

void serve_tcp_set_keepalive(struct serve_tcp *tcp, uint64_t idle_ns) {
    if (tcp->state == TCP_CLOSED)
        return;
    linux_set_number(tcp->source.fd, LINUX_SOL_SOCKET, LINUX_SO_KEEPALIVE, idle_ns != 0);
    if (idle_ns == 0)
        return;
    linux_set_number(tcp->source.fd, LINUX_IPPROTO_TCP, LINUX_TCP_KEEPIDLE, seconds_of(idle_ns));
    linux_set_number(tcp->source.fd, LINUX_IPPROTO_TCP, LINUX_TCP_KEEPINTVL, seconds_of(idle_ns / 8));
    linux_set_number(tcp->source.fd, LINUX_IPPROTO_TCP, LINUX_TCP_KEEPCNT, 8);
}

struct serve_address serve_tcp_peer(const struct serve_tcp *tcp) {
    return tcp->peer;
}
