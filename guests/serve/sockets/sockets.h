// serve.h on Linux's sockets, waited for with one edge-triggered epoll set: each descriptor is added once, and asking
// for room to write or for data costs no further system call.
//
//   loop.c     the set, the batch, timers
//   tcp.c      connections: how they begin and end, and the application's calls
//   tcp_io.c   what they read and write
//   listen.c   listening ports
//   udp.c      datagrams
#ifndef SERVE_SOCKETS_H
#define SERVE_SOCKETS_H

#include "serve.h"
#include "serve/byte_queue.h"
#include "serve/list.h"
#include "serve/options.h"
#include "serve/sockets/calls.h"
#include "serve/wheel.h"

enum { LISTENERS_MAX = 16, UDP_PORTS_MAX = 16, INPUT_BYTES = 64 << 10 };

#define LINGER_NS (10 * NS_PER_S)       // for a closed connection's peer to end its side
#define CLOSED_STALL_NS (60 * NS_PER_S) // without progress, for a closed connection's data

// What an epoll event points to: the first member of each of the three.
struct source {
    enum { SOURCE_TCP, SOURCE_LISTENER, SOURCE_UDP } kind;
    int fd;
};

struct listener {
    struct source source;
    uint16_t port; // 0: free
    bool readable; // connections may wait
    bool stalled;  // Linux had no descriptor or memory for the next
    const struct serve_tcp_callbacks *callbacks;
    void *user;
};

struct serve_udp {
    struct source source;
    bool used;
    bool readable;
    serve_on_datagram *on_datagram;
    void *user;
};

enum tcp_state { TCP_CLOSED, TCP_CONNECTING, TCP_OPEN };

struct serve_tcp {
    struct source source;
    enum tcp_state state;
    enum serve_closed closed_reason;
    bool closed_due : 1, writable_due : 1, resume_due : 1; // events
    bool readable : 1, writable : 1;                       // as far as epoll told
    bool hung_up : 1;                                      // the end of input follows what is there
    bool ended : 1, told_end : 1;                          // the peer's side; and on_eof was called
    bool fin_queued : 1, fin_sent : 1;                     // our side
    bool released : 1;                                     // the application closed it
    bool timed_out : 1;                                    // by the idle timeout
    bool in_on_data : 1, wants_writable : 1;
    struct serve_address peer;
    const struct serve_tcp_callbacks *callbacks;
    void *user;
    struct serve_tcp *next; // of the free ones
    struct list dirty, events, starved;
    struct byte_queue send, receive;
    uint64_t progress_ns; // when data last moved
    uint64_t idle_timeout_ns;
    struct serve_timer idle_timer;
    struct serve_timer linger_timer;
};

// All there is.
struct sockets {
    struct serve_options options;
    int epoll_fd;
    uint64_t now_ns;
    struct wheel wheel;
    struct pool pool;
    uint32_t starved_returns; // pool.returns when `starved` was last looked at
    struct list dirty, events, starved;
    struct serve_tcp *free;
    struct listener listeners[LISTENERS_MAX];
    struct serve_udp udp[UDP_PORTS_MAX];
    void (*on_batch)(void *user);
    void *on_batch_user;
    uint8_t input[INPUT_BYTES];
};

extern struct sockets sockets;

// A non-blocking socket of the type; negative: an error.
int open_socket(int type);
// Reports everything of the descriptor, at each change.
void watch(struct source *source);

void listener_on_event(struct listener *listener);
// Takes what waits, as long as a connection is free.
void listener_accept(struct listener *listener);
void udp_on_event(struct serve_udp *udp);

struct serve_tcp *tcp_create(int fd, const struct serve_address *peer, const struct serve_tcp_callbacks *callbacks,
                             void *user);
void tcp_open(struct serve_tcp *tcp);
void tcp_on_event(struct serve_tcp *tcp, uint32_t events);
void tcp_call_events(struct serve_tcp *tcp);
void tcp_drop(struct serve_tcp *tcp, enum serve_closed reason);
// When both sides have ended and everything is read.
void tcp_drop_if_done(struct serve_tcp *tcp);
void tcp_start_linger_timer(struct serve_tcp *tcp, uint64_t delay_ns);

void tcp_read(struct serve_tcp *tcp);
void tcp_deliver(struct serve_tcp *tcp);
void tcp_flush(struct serve_tcp *tcp);
void tcp_tell_writable(struct serve_tcp *tcp);
enum serve_closed tcp_reason_of(long error);

#endif
