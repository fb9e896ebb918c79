#include "fake_serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTENERS_MAX 16
#define RECEIVED_MAX 65536
#define RESUMES_MAX 100000

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "fake_serve: rule broken: %s (line %d)\n", #condition, __LINE__); \
            abort(); \
        } \
    } while (0)

struct serve_tcp {
    const struct serve_tcp_callbacks *callbacks;
    void *user;
    struct serve_tcp *next;
    uint8_t *received;
    size_t received_count;
    uint8_t *sent;
    size_t sent_count;
    uint64_t idle_ns, idle_since_ns;
    bool wants_room, wants_resume, peer_ended, end_told, shut, closing, aborted, closed;
};

struct listener {
    uint16_t port;
    const struct serve_tcp_callbacks *callbacks;
    void *user;
};

struct serve_udp {
    uint16_t port;
    serve_on_datagram *on_datagram;
    void *user;
};

static struct listener listeners[LISTENERS_MAX];
static struct serve_udp bound[LISTENERS_MAX];
static size_t listeners_count, bound_count;
static struct serve_tcp *connections;
static struct serve_timer *timers;
static uint64_t now_ns;
static size_t send_buffer_bytes;
static struct serve_tcp *reserving;
static uint8_t *reserved;
static size_t reserved_count;
static bool in_callback;
static uint8_t *datagram_answer;
static long datagram_answer_count;
static size_t datagram_answer_room;

// ---- calling back ------------------------------------------------------------------------------------------------

static void enter(void) {
    REQUIRE(!in_callback);
    in_callback = true;
}

static void leave(void) {
    free(reserved); // a reserve without a commit sends nothing
    reserved = NULL;
    reserving = NULL;
    in_callback = false;
}

static void check_free(void) {
    REQUIRE(reserving == NULL); // between reserve and commit no other call is allowed
}

static size_t room_of(const struct serve_tcp *tcp) {
    return send_buffer_bytes - tcp->sent_count;
}

static void offer(struct serve_tcp *tcp) {
    if (tcp->received_count == 0 || tcp->closing || tcp->closed)
        return;
    if (tcp->callbacks->on_data == NULL) {
        tcp->received_count = 0;
        return;
    }
    uint8_t *copy = malloc(tcp->received_count);
    memcpy(copy, tcp->received, tcp->received_count);
    enter();
    size_t used = tcp->callbacks->on_data(tcp, copy, tcp->received_count);
    leave();
    free(copy);
    REQUIRE(used <= tcp->received_count);
    memmove(tcp->received, tcp->received + used, tcp->received_count - used);
    tcp->received_count -= used;
    if (tcp->closing)
        tcp->received_count = 0;
}

static void tell_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    tcp->closed = true;
    if (tcp->callbacks->on_closed == NULL)
        return;
    enter();
    tcp->callbacks->on_closed(tcp, reason);
    leave();
}

// What follows from what was done: resumed data, the end, room, the end of it all.
static void settle(struct serve_tcp *tcp) {
    for (int turns = 0; !tcp->closed; turns++) {
        REQUIRE(turns < RESUMES_MAX);
        if (tcp->aborted) {
            tell_closed(tcp, SERVE_CLOSED_ABORTED);
        } else if (tcp->wants_resume) {
            tcp->wants_resume = false;
            offer(tcp);
        } else if (tcp->wants_room && !tcp->closing && room_of(tcp) >= send_buffer_bytes / 4) {
            tcp->wants_room = false;
            if (tcp->callbacks->on_writable != NULL) {
                enter();
                tcp->callbacks->on_writable(tcp);
                leave();
            }
        } else if (tcp->peer_ended && !tcp->end_told && !tcp->closing) {
            tcp->end_told = true;
            if (tcp->callbacks->on_eof == NULL) {
                tcp->closing = tcp->shut = true;
                continue;
            }
            enter();
            tcp->callbacks->on_eof(tcp);
            leave();
        } else if (tcp->shut && tcp->peer_ended && tcp->sent_count == 0) {
            tell_closed(tcp, SERVE_CLOSED_DONE);
        } else {
            return;
        }
    }
}

// ---- the peer's side ---------------------------------------------------------------------------------------------

void fake_reset(uint32_t bytes) {
    REQUIRE(connections == NULL && timers == NULL);
    send_buffer_bytes = bytes;
    listeners_count = bound_count = 0;
    now_ns = 1000000000;
}

struct serve_tcp *fake_connect(uint16_t port) {
    for (size_t i = 0; i < listeners_count; i++) {
        if (listeners[i].port != port)
            continue;
        struct serve_tcp *tcp = calloc(1, sizeof *tcp);
        tcp->callbacks = listeners[i].callbacks;
        tcp->user = listeners[i].user;
        tcp->received = malloc(RECEIVED_MAX);
        tcp->sent = malloc(send_buffer_bytes);
        tcp->next = connections;
        tcp->idle_since_ns = now_ns;
        connections = tcp;
        if (tcp->callbacks->on_open != NULL) {
            enter();
            tcp->callbacks->on_open(tcp);
            leave();
        }
        settle(tcp);
        return tcp;
    }
    return NULL;
}

void fake_deliver(struct serve_tcp *tcp, const void *bytes, size_t bytes_count) {
    const uint8_t *at = bytes;
    while (bytes_count > 0 && !tcp->closed && !tcp->peer_ended) {
        size_t part = RECEIVED_MAX - tcp->received_count;
        part = part < bytes_count ? part : bytes_count;
        if (part == 0)
            return; // the window is shut: a peer would have to wait
        memcpy(tcp->received + tcp->received_count, at, part);
        tcp->received_count += part;
        tcp->idle_since_ns = now_ns;
        if (tcp->closing)
            tcp->received_count = 0;
        offer(tcp);
        settle(tcp);
        at += part;
        bytes_count -= part;
    }
}

void fake_deliver_end(struct serve_tcp *tcp) {
    if (tcp->closed)
        return;
    tcp->peer_ended = true;
    settle(tcp);
}

void fake_deliver_reset(struct serve_tcp *tcp) {
    if (!tcp->closed)
        tell_closed(tcp, SERVE_CLOSED_RESET);
}

size_t fake_read(struct serve_tcp *tcp, void *to, size_t room) {
    size_t part = tcp->sent_count < room ? tcp->sent_count : room;
    memcpy(to, tcp->sent, part);
    memmove(tcp->sent, tcp->sent + part, tcp->sent_count - part);
    tcp->sent_count -= part;
    if (part > 0)
        tcp->idle_since_ns = now_ns;
    if (!tcp->closed)
        settle(tcp);
    return part;
}

bool fake_is_shut(const struct serve_tcp *tcp) {
    return tcp->shut || tcp->closed;
}

bool fake_is_aborted(const struct serve_tcp *tcp) {
    return tcp->aborted;
}

bool fake_is_closed(const struct serve_tcp *tcp) {
    return tcp->closed;
}

void fake_release(struct serve_tcp *tcp) {
    REQUIRE(tcp->closed);
    struct serve_tcp **link = &connections;
    while (*link != tcp)
        link = &(*link)->next;
    *link = tcp->next;
    free(tcp->received);
    free(tcp->sent);
    free(tcp);
}

long fake_datagram(uint16_t port, const void *bytes, size_t bytes_count, void *answer, size_t room) {
    static const struct serve_address peer = {0x0a000001, 40000};
    datagram_answer = answer;
    datagram_answer_room = room;
    datagram_answer_count = -1;
    for (size_t i = 0; i < bound_count; i++) {
        if (bound[i].port != port)
            continue;
        uint8_t *copy = malloc(bytes_count);
        if (bytes_count > 0)
            memcpy(copy, bytes, bytes_count);
        enter();
        bound[i].on_datagram(&bound[i], &peer, copy, bytes_count, bound[i].user);
        leave();
        free(copy);
    }
    return datagram_answer_count;
}

// The earliest of all that is due by `until_ns`.
static struct serve_timer *due(uint64_t until_ns) {
    struct serve_timer *first = NULL;
    for (struct serve_timer *timer = timers; timer != NULL; timer = timer->next)
        if (timer->deadline_ns <= until_ns && (first == NULL || timer->deadline_ns < first->deadline_ns))
            first = timer;
    return first;
}

void fake_pass(uint64_t ns) {
    uint64_t end_ns = now_ns + ns;
    for (struct serve_timer *timer = due(end_ns); timer != NULL; timer = due(end_ns)) {
        now_ns = timer->deadline_ns > now_ns ? timer->deadline_ns : now_ns;
        serve_timer_stop(timer);
        enter();
        timer->on_timer(timer, timer->user);
        leave();
    }
    now_ns = end_ns;
    for (struct serve_tcp *tcp = connections; tcp != NULL; tcp = tcp->next) {
        if (tcp->closed)
            continue;
        settle(tcp);
        if (!tcp->closed && tcp->idle_ns != 0 && now_ns - tcp->idle_since_ns >= tcp->idle_ns) {
            tcp->shut = true;
            tell_closed(tcp, SERVE_CLOSED_TIMEOUT);
        }
    }
}

// ---- serve.h -----------------------------------------------------------------------------------------------------

bool serve_tcp_listen(uint16_t port, uint32_t backlog, const struct serve_tcp_callbacks *callbacks, void *user) {
    (void)backlog;
    for (size_t i = 0; i < listeners_count; i++)
        if (listeners[i].port == port)
            return false;
    if (listeners_count == LISTENERS_MAX)
        return false;
    listeners[listeners_count++] = (struct listener){port, callbacks, user};
    return true;
}

uint64_t serve_now_ns(void) {
    check_free();
    return now_ns;
}

void serve_timer_start(struct serve_timer *timer, uint64_t delay_ns,
                       void (*on_timer)(struct serve_timer *timer, void *user), void *user) {
    serve_timer_stop(timer);
    *timer = (struct serve_timer){
        .next = timers, .link = &timers, .deadline_ns = now_ns + delay_ns, .on_timer = on_timer, .user = user};
    if (timers != NULL)
        timers->link = &timer->next;
    timers = timer;
}

void serve_timer_stop(struct serve_timer *timer) {
    check_free();
    if (timer->link == NULL)
        return;
    *timer->link = timer->next;
    if (timer->next != NULL)
        timer->next->link = timer->link;
    timer->link = NULL;
    timer->next = NULL;
}

size_t serve_tcp_send(struct serve_tcp *tcp, const void *bytes, size_t bytes_count) {
    check_free();
    REQUIRE(in_callback && !tcp->closed);
    if (tcp->shut || tcp->closing || tcp->aborted)
        return 0;
    size_t part = room_of(tcp) < bytes_count ? room_of(tcp) : bytes_count;
    memcpy(tcp->sent + tcp->sent_count, bytes, part);
    tcp->sent_count += part;
    tcp->wants_room |= part < bytes_count;
    return part;
}

uint8_t *serve_tcp_reserve(struct serve_tcp *tcp, size_t bytes_count) {
    check_free();
    REQUIRE(in_callback && !tcp->closed && bytes_count >= 1 && bytes_count <= SERVE_RESERVE_MAX);
    if (tcp->shut || tcp->closing || tcp->aborted)
        return NULL;
    if (room_of(tcp) < bytes_count) {
        tcp->wants_room = true;
        return NULL;
    }
    reserving = tcp;
    reserved_count = bytes_count;
    reserved = malloc(bytes_count);
    return reserved;
}

void serve_tcp_commit(struct serve_tcp *tcp, size_t bytes_count) {
    REQUIRE(reserving == tcp && bytes_count <= reserved_count);
    memcpy(tcp->sent + tcp->sent_count, reserved, bytes_count);
    tcp->sent_count += bytes_count;
    free(reserved);
    reserved = NULL;
    reserving = NULL;
}

size_t serve_tcp_room(const struct serve_tcp *tcp) {
    check_free();
    return tcp->shut || tcp->closing || tcp->aborted ? 0 : room_of(tcp);
}

void serve_tcp_resume(struct serve_tcp *tcp) {
    check_free();
    tcp->wants_resume = true;
}

void serve_tcp_shutdown(struct serve_tcp *tcp) {
    check_free();
    tcp->shut = true;
}

void serve_tcp_close(struct serve_tcp *tcp) {
    check_free();
    REQUIRE(!tcp->closed);
    tcp->shut = tcp->closing = true;
}

void serve_tcp_abort(struct serve_tcp *tcp) {
    check_free();
    REQUIRE(!tcp->closed);
    tcp->aborted = true;
    tcp->sent_count = 0;
}

void *serve_tcp_user(const struct serve_tcp *tcp) {
    return tcp->user;
}

void serve_tcp_set_user(struct serve_tcp *tcp, void *user) {
    tcp->user = user;
}

void serve_tcp_set_idle_timeout(struct serve_tcp *tcp, uint64_t timeout_ns) {
    check_free();
    tcp->idle_ns = timeout_ns;
}

struct serve_udp *serve_udp_bind(uint16_t port, serve_on_datagram *on_datagram, void *user) {
    if (bound_count == LISTENERS_MAX)
        return NULL;
    bound[bound_count] = (struct serve_udp){port, on_datagram, user};
    return &bound[bound_count++];
}

bool serve_udp_send(struct serve_udp *udp, const struct serve_address *peer, const void *bytes, size_t bytes_count) {
    (void)udp;
    (void)peer;
    check_free();
    REQUIRE(datagram_answer_count < 0 && bytes_count <= datagram_answer_room && bytes_count <= 1472);
    memcpy(datagram_answer, bytes, bytes_count);
    datagram_answer_count = (long)bytes_count;
    return true;
}
