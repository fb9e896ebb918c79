// serve.h - event-driven TCP and UDP for guests: fixed memory, callbacks, one loop.
//
// One application source builds on any of these, which the build chooses by what it links:
//   guests/net/            the TCP/IP stack, over a Solo5 network device (spt, hvt, or a tap in a native program)
//   guests/serve/sockets.c Linux sockets and epoll (native, without libc)
//
// A server in outline:
//
//   static size_t on_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t bytes_count) {
//       return serve_tcp_send(tcp, bytes, bytes_count);    // echo; what is not taken now comes again ...
//   }
//   static const struct serve_tcp_callbacks echo = { .on_data = on_data,
//                                                    .on_writable = serve_tcp_resume };    // ... when there is room
//
//   int solo5_app_main(const struct solo5_start_info *info) {
//       struct arena heap = arena_of(info, 64 * 1024);
//       struct serve_config config = { .options = info->cmdline,
//                                      .memory = (void *)heap.next,
//                                      .memory_bytes = heap.end - heap.next };
//       if (!serve_init(&config) || !serve_tcp_listen(7, 0, &echo, NULL))
//           return SOLO5_EXIT_FAILURE;
//       return serve_run();
//   }
//
// How the loop works. serve_run() waits for input or a timer; then it takes *all* input that is there, calling the
// callbacks as it goes (a *batch*), then calls the batch callback, then writes the output. What a callback sends is
// only queued: many small sends of one batch leave together, in as few segments as they fit in, with the
// acknowledgement on them. Very long batches are cut, so that output never waits for input to end.
//
// Rules that hold for every call:
//   - Callbacks are called from serve_run() only, never from inside another serve_ call. There is one thread.
//   - A callback may call any serve_ function but serve_init() and serve_run(), for its own or any other connection.
//   - on_closed is the last callback of a connection. After it returns the pointer is dead and may be reused.
//     It comes once for each connection that on_open was called for, and for each that serve_tcp_connect() returned.
//   - Nothing is allocated after serve_init() but from `memory`, and all limits are set there.
#ifndef SERVE_H
#define SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- start -------------------------------------------------------------------------------------------------------

// A zero in a field that says "0: N" means N.
struct serve_config {
    // The command line, words parted by spaces; NULL: none. Words not listed here are left alone.
    //   --ipv4=ADDRESS/PREFIX    own address; default 10.0.0.2/24
    //   --ipv4-gateway=ADDRESS   default: none, and only the own network is reached
    //   --mtu=BYTES              576 ... the device's MTU, which is the default
    // On Linux sockets --ipv4 is the address to listen on (default: all of them), and the others have no effect.
    const char *options;
    // For all tables and buffers; must live on. The tables take about 1 KiB for each of connections_max; the rest is
    // buffers, shared by all connections and taken only while data waits in them. At least 1 MiB beyond the tables.
    void *memory;
    size_t memory_bytes;
    const char *device_name;       // the network device in the image's manifest; NULL: "service"
    uint32_t connections_max;      // TCP connections at once, with those in TIME_WAIT; 0: 1024
    uint32_t receive_buffer_bytes; // received and unconsumed, for one connection, 4 KiB ... 1 MiB; 0: 64 KiB
    uint32_t send_buffer_bytes;    // sent and unacknowledged, for one connection, 8 KiB ... 1 MiB; 0: 128 KiB
};

// Acquires the device (or opens epoll), lays out `memory`. Call it once and first.
// On failure writes one line to the console that says what is wrong, and returns false.
bool serve_init(const struct serve_config *config);

// Serves until serve_stop(); returns its status.
int serve_run(void);

// Makes serve_run() return `status` when the current batch has ended and its output is written. Connections stay as
// they are: close them first and wait for on_closed where the peer must see an end.
void serve_stop(int status);

// Called at the end of each batch, before its output is written: the place to commit the work of many requests at once.
// What it sends leaves with the batch. One callback; NULL: none.
void serve_on_batch(void (*on_batch)(void *user), void *user);

// ---- time --------------------------------------------------------------------------------------------------------

// Monotonic nanoseconds, read once a batch: cheap, and the same for all callbacks of a batch.
uint64_t serve_now_ns(void);

// A timer's memory belongs to the caller and must stay where it is while the timer runs. All zero: not running.
struct serve_timer {
    struct serve_timer *next, **link; // private
    uint64_t deadline_ns;             // private
    void (*on_timer)(struct serve_timer *timer, void *user);
    void *user;
};

// Calls on_timer(timer, user) once, after `delay_ns`, about a millisecond late at most while the guest keeps up; never
// early. A running timer is moved. The callback may start the timer again, and may reuse its memory.
void serve_timer_start(struct serve_timer *timer, uint64_t delay_ns,
                       void (*on_timer)(struct serve_timer *timer, void *user), void *user);

// Stops a timer; nothing happens when it does not run.
void serve_timer_stop(struct serve_timer *timer);

// ---- addresses ---------------------------------------------------------------------------------------------------

struct serve_address {
    uint32_t ipv4; // as a number: 10.0.0.2 is 0x0a000002
    uint16_t port; // as a number
};

// ---- TCP ---------------------------------------------------------------------------------------------------------

struct serve_tcp; // one connection

enum serve_closed {
    SERVE_CLOSED_DONE,     // both sides closed and everything sent was acknowledged
    SERVE_CLOSED_RESET,    // the peer reset the connection
    SERVE_CLOSED_REFUSED,  // serve_tcp_connect(): nobody listens there
    SERVE_CLOSED_TIMEOUT,  // the peer does not answer, or the idle timeout passed
    SERVE_CLOSED_ABORTED,  // serve_tcp_abort()
};

// Any callback may be NULL; what then happens is said at each.
struct serve_tcp_callbacks {
    // The connection is established. NULL: nothing.
    void (*on_open)(struct serve_tcp *tcp);

    // In-order data. `bytes` is *everything* received and not yet consumed, in one piece, and valid during the call
    // only. Returns how many bytes from its start were consumed (0 ... bytes_count). The rest is kept, narrows the
    // window that the peer sees, and comes again, in front of new data, when new data arrives or after
    // serve_tcp_resume(). So a parser that needs more returns 0 (or the end of the last whole request) and simply
    // waits. A request that does not fit into receive_buffer_bytes never gets whole: when bytes_count reaches that
    // number and nothing is consumed, close. NULL: data is consumed and dropped.
    size_t (*on_data)(struct serve_tcp *tcp, const uint8_t *bytes, size_t bytes_count);

    // The peer sends no more (FIN), and all it sent was offered to on_data. Sending is still possible.
    // NULL: as if it called serve_tcp_close().
    void (*on_eof)(struct serve_tcp *tcp);

    // Room in the send buffer again, after serve_tcp_send() or serve_tcp_reserve() gave less than was asked for. At
    // least a quarter of send_buffer_bytes is free then, unless `memory` is short. NULL: nothing.
    void (*on_writable)(struct serve_tcp *tcp);

    // The end; the last callback. NULL: nothing.
    void (*on_closed)(struct serve_tcp *tcp, enum serve_closed reason);
};

// Accepts connections to `port`. At most `backlog` of them are kept while they are half open (0: half of
// connections_max); beyond that, SYN cookies let peers in. `callbacks` must live on; `user` is what serve_tcp_user()
// gives until it is set for a connection. False: the port is listened on already, or 16 ports are.
bool serve_tcp_listen(uint16_t port, uint32_t backlog, const struct serve_tcp_callbacks *callbacks, void *user);

// Opens a connection; on_open follows, or on_closed when it fails. NULL: no connection is free.
struct serve_tcp *serve_tcp_connect(const struct serve_address *to, const struct serve_tcp_callbacks *callbacks,
                                    void *user);

// Copies bytes into the send buffer. Returns how many fitted (0 ... bytes_count); when fewer than bytes_count,
// on_writable follows. 0 after serve_tcp_shutdown(), serve_tcp_close() or serve_tcp_abort(), and then none follows.
// May be called before on_open on a connection of serve_tcp_connect().
size_t serve_tcp_send(struct serve_tcp *tcp, const void *bytes, size_t bytes_count);

// To write a message in place: gives room for bytes_count bytes, in one piece, or NULL when the send buffer has not
// that much free (on_writable follows). bytes_count: 1 ... SERVE_RESERVE_MAX. serve_tcp_commit() then sends the first
// bytes_count of them; 0 gives the room back. Between the two no other serve_ function may be called.
#define SERVE_RESERVE_MAX 4096
uint8_t *serve_tcp_reserve(struct serve_tcp *tcp, size_t bytes_count);
void serve_tcp_commit(struct serve_tcp *tcp, size_t bytes_count);

// How many bytes serve_tcp_send() would take now. When `memory` is short it may take fewer.
size_t serve_tcp_room(const struct serve_tcp *tcp);

// Offers unconsumed data to on_data again, in this batch or the next, though no new data came: for a connection that
// waited for something else (another connection, room to send). No call when there is none.
void serve_tcp_resume(struct serve_tcp *tcp);

// Sends what is in the buffer, then FIN; receiving goes on.
void serve_tcp_shutdown(struct serve_tcp *tcp);

// Sends what is in the buffer, then FIN. No callback but on_closed follows: what the peer still sends is dropped, for
// ten seconds after it acknowledged everything; then the connection is reset. It is reset too when the peer does not
// take what is left for a minute.
void serve_tcp_close(struct serve_tcp *tcp);

// Sends RST and drops what is in the buffer. on_closed follows.
void serve_tcp_abort(struct serve_tcp *tcp);

// One pointer for the application on each connection.
void *serve_tcp_user(const struct serve_tcp *tcp);
void serve_tcp_set_user(struct serve_tcp *tcp, void *user);

// Closes the connection when nothing was received or acknowledged for `timeout_ns`: as serve_tcp_close() if all that
// was sent is acknowledged (on_closed tells SERVE_CLOSED_TIMEOUT all the same), else as serve_tcp_abort(). 0: never,
// the default.
void serve_tcp_set_idle_timeout(struct serve_tcp *tcp, uint64_t timeout_ns);

// Nagle's algorithm holds a small segment back while another is unacknowledged. Off at first (no delay): a batch is one
// write already.
void serve_tcp_set_nodelay(struct serve_tcp *tcp, bool nodelay);

// Probes a silent peer after `idle_ns`, then every idle_ns / 8, and gives up after eight probes. 0: never, the default.
void serve_tcp_set_keepalive(struct serve_tcp *tcp, uint64_t idle_ns);

struct serve_address serve_tcp_peer(const struct serve_tcp *tcp);

// ---- UDP ---------------------------------------------------------------------------------------------------------

struct serve_udp; // one bound port

// A datagram came. `bytes` is valid during the call only; bytes_count may be 0.
typedef void serve_on_datagram(struct serve_udp *udp, const struct serve_address *peer, const uint8_t *bytes,
                               size_t bytes_count, void *user);

// Receives datagrams to `port` (0: any free one). NULL: the port is bound already, or 16 are.
struct serve_udp *serve_udp_bind(uint16_t port, serve_on_datagram *on_datagram, void *user);

// Sends one datagram, at once: it needs no buffer. False when it is longer than the MTU allows (1472 bytes on Ethernet)
// or there is no way to the address. True says no more of its fate than UDP does.
bool serve_udp_send(struct serve_udp *udp, const struct serve_address *peer, const void *bytes, size_t bytes_count);

#endif
