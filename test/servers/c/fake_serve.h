// serve.h in memory, for tests: connections are opened, fed and read by hand, time passes when told to.
//
// It holds a server to the rules of serve.h (abort where one is broken), and gives on_data a copy of the bytes that
// ends where they end, so that a sanitizer sees a byte read too many.
#ifndef FAKE_SERVE_H
#define FAKE_SERVE_H

#include "serve.h"

// All connections must be closed; then nothing is left of what was before.
void fake_reset(uint32_t send_buffer_bytes);

// A peer connects; NULL: the port is not listened on.
struct serve_tcp *fake_connect(uint16_t port);

// The peer sends bytes, its end, a reset.
void fake_deliver(struct serve_tcp *tcp, const void *bytes, size_t bytes_count);
void fake_deliver_end(struct serve_tcp *tcp);
void fake_deliver_reset(struct serve_tcp *tcp);

// The peer reads up to `room` bytes, which makes as much room to send.
size_t fake_read(struct serve_tcp *tcp, void *to, size_t room);

// What the server did with the connection; a closed one must be released by fake_release().
bool fake_is_shut(const struct serve_tcp *tcp);    // the peer sees the end when it has read everything
bool fake_is_aborted(const struct serve_tcp *tcp); // the peer sees a reset
bool fake_is_closed(const struct serve_tcp *tcp);  // on_closed was called
void fake_release(struct serve_tcp *tcp);

// A datagram comes to a port; what is sent meanwhile is copied to `answer`. Returns its size; -1: none was sent.
long fake_datagram(uint16_t port, const void *bytes, size_t bytes_count, void *answer, size_t room);

// Lets time pass, and timers with it.
void fake_pass(uint64_t ns);

#endif
