// The answer to a query, of one zone (RFC 1034, section 4.3.2).
#ifndef ANSWER_H
#define ANSWER_H

#include "servers/dnsd/zone.h"

#define UDP_BYTES_DEFAULT 1232 // what passes everywhere in one piece
#define UDP_BYTES_MAX 1472     // what one frame of Ethernet takes
#define TCP_BYTES_MAX 65535

// How a query came.
struct transport {
    bool is_tcp;
    uint16_t udp_bytes; // the largest response over UDP, and what is told to clients
};

// Writes the response to a message into room for TCP_BYTES_MAX, or UDP_BYTES_MAX of a query that came over UDP. The
// same query always gets the same response. Returns its size; 0: there is none.
size_t answer(const struct zone *zone, const struct transport *transport, const uint8_t *message, size_t size,
              uint8_t *response);

#endif
