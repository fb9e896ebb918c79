#include "serve/sockets/sockets.h"

enum { EVENTS_MAX = 256, WAIT_MS_MAX = 3600 * 1000, STALLED_WAIT_MS = 100 };

struct sockets sockets;

// No net device of the program's manifest is needed.
const bool native_uses_sockets = true;

static bool stopped;
static int stop_status;

int open_socket(int type) {
    return (int)linux_call(CALL_SOCKET, LINUX_AF_INET, type | LINUX_SOCK_NONBLOCK | LINUX_SOCK_CLOEXEC, 0, 0, 0, 0);
}

void watch(struct source *source) {
    struct epoll_event event = {
        .events = LINUX_EPOLLIN | LINUX_EPOLLOUT | LINUX_EPOLLRDHUP | LINUX_EPOLLET,
        .data = (uintptr_t)source,
    };
    long result = linux_call(CALL_EPOLL_CTL, sockets.epoll_fd, LINUX_EPOLL_CTL_ADD, source->fd, (long)&event, 0, 0);
    if (is_error(result))
        fail("serve: descriptor %d cannot be waited for (error %ld)", source->fd, -result);
}

bool serve_init(const struct serve_config *config) {
    if (!serve_options_read(config, &sockets.options))
        return false;
    long epoll_fd = linux_call(CALL_EPOLL_CREATE1, LINUX_SOCK_CLOEXEC, 0, 0, 0, 0, 0);
    if (is_error(epoll_fd)) {
        print("serve: no epoll set (error %ld)\n", -epoll_fd);
        return false;
    }
    sockets.epoll_fd = (int)epoll_fd;
    sockets.now_ns = solo5_clock_monotonic();
    wheel_init(&sockets.wheel, sockets.now_ns);
    list_init(&sockets.dirty);
    list_init(&sockets.events);
    list_init(&sockets.starved);
    struct arena arena = {(uintptr_t)config->memory, (uintptr_t)config->memory + config->memory_bytes};
    uint32_t connections_max = sockets.options.connections_max;
    struct serve_tcp *connections = arena_take(&arena, connections_max * sizeof *connections, 16);
    if (!connections || !pool_init(&sockets.pool, (void *)arena.next, arena.end - arena.next)) {
        print("serve: %zu KiB are too little for %u connections: give the guest more memory\n",
              config->memory_bytes / 1024, connections_max);
        return false;
    }
    for (uint32_t i = connections_max; i-- > 0;) {
        connections[i].next = sockets.free;
        sockets.free = &connections[i];
    }
    return true;
}

static void dispatch(const struct epoll_event *event) {
    struct source *source = (struct source *)(uintptr_t)event->data;
    switch (source->kind) {
    case SOURCE_TCP:
        tcp_on_event((struct serve_tcp *)source, event->events);
        break;
    case SOURCE_LISTENER:
        listener_on_event((struct listener *)source);
        break;
    case SOURCE_UDP:
        udp_on_event((struct serve_udp *)source);
        break;
    }
}

static int timeout_ms(void) {
    bool more = !list_is_empty(&sockets.events), stalled = false;
    for (struct listener *listener = sockets.listeners; listener < sockets.listeners + LISTENERS_MAX; listener++) {
        more |= listener->readable && !listener->stalled && sockets.free;
        stalled |= listener->stalled;
    }
    for (struct serve_udp *udp = sockets.udp; udp < sockets.udp + UDP_PORTS_MAX; udp++)
        more |= udp->readable;
    uint64_t deadline_ns = wheel_deadline_ns(&sockets.wheel), now_ns = solo5_clock_monotonic();
    if (more || deadline_ns <= now_ns)
        return 0;
    uint64_t wait_ms = (deadline_ns - now_ns - 1) / 1000000 + 1;
    uint64_t wait_ms_max = stalled ? STALLED_WAIT_MS : WAIT_MS_MAX;
    return (int)(wait_ms < wait_ms_max ? wait_ms : wait_ms_max);
}

// What was left because a batch is limited, or a limit of connections or memory was reached.
static void go_on(void) {
    for (struct listener *listener = sockets.listeners; listener < sockets.listeners + LISTENERS_MAX; listener++)
        if (listener->readable)
            listener_accept(listener);
    for (struct serve_udp *udp = sockets.udp; udp < sockets.udp + UDP_PORTS_MAX; udp++)
        if (udp->readable)
            udp_on_event(udp);
    if (sockets.starved_returns == sockets.pool.returns)
        return;
    sockets.starved_returns = sockets.pool.returns;
    struct list starved;
    list_take_all(&starved, &sockets.starved);
    while (!list_is_empty(&starved)) {
        struct serve_tcp *tcp = LIST_OWNER(starved.next, struct serve_tcp, starved);
        list_remove(&tcp->starved);
        tcp->writable_due = true;
        list_append(&sockets.events, &tcp->events);
    }
}

static void call_events(void) {
    struct list due;
    list_take_all(&due, &sockets.events);
    while (!list_is_empty(&due)) {
        struct serve_tcp *tcp = LIST_OWNER(due.next, struct serve_tcp, events);
        list_remove(&tcp->events);
        tcp_call_events(tcp);
    }
}

static void flush(void) {
    while (!list_is_empty(&sockets.dirty)) {
        struct serve_tcp *tcp = LIST_OWNER(sockets.dirty.next, struct serve_tcp, dirty);
        list_remove(&tcp->dirty);
        tcp_flush(tcp);
    }
}

static void run_batch(void) {
    struct epoll_event events[EVENTS_MAX];
    long count = linux_call(CALL_EPOLL_PWAIT, sockets.epoll_fd, (long)events, EVENTS_MAX, timeout_ms(), 0, 0);
    sockets.now_ns = solo5_clock_monotonic();
    go_on();
    for (long i = 0; i < count; i++)
        dispatch(&events[i]);
    wheel_run(&sockets.wheel, sockets.now_ns);
    call_events();
    if (sockets.on_batch)
        sockets.on_batch(sockets.on_batch_user);
    flush();
}

int serve_run(void) {
    flush();
    while (!stopped)
        run_batch();
    stopped = false;
    return stop_status;
}

void serve_stop(int status) {
    stopped = true;
    stop_status = status;
}

void serve_on_batch(void (*on_batch)(void *user), void *user) {
    sockets.on_batch = on_batch;
    sockets.on_batch_user = user;
}

uint64_t serve_now_ns(void) {
    return sockets.now_ns;
}

void serve_timer_start(struct serve_timer *timer, uint64_t delay_ns,
                       void (*on_timer)(struct serve_timer *timer, void *user), void *user) {
    timer->on_timer = on_timer;
    timer->user = user;
    wheel_start_after(&sockets.wheel, timer, sockets.now_ns, delay_ns);
}

void serve_timer_stop(struct serve_timer *timer) {
    wheel_stop(&sockets.wheel, timer);
}
