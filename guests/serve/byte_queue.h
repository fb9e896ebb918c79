// Bytes in one piece, appended at the end and consumed from the front.
//
// The memory comes from a pool when the first byte comes and goes back with the last. A queue that holds at most N
// bytes grows to a buffer of at most 2 N (rounded up): then bytes are moved to the front only after as many have passed
// through, and one byte is moved about once.
#ifndef BYTE_QUEUE_H
#define BYTE_QUEUE_H

#include "serve/pool.h"

struct byte_queue {
    uint8_t *memory;
    uint32_t capacity;
    uint32_t front;  // index of the first byte
    uint32_t count;  // bytes in the queue
    uint32_t extent; // bytes from front that are in use: count, and those placed beyond it
};

static inline uint8_t *byte_queue_front(const struct byte_queue *queue) {
    return queue->memory + queue->front;
}

// Makes room for `bytes` behind `offset` bytes behind the end: in one piece, at the address returned. The queue does
// not change but for its place. NULL: no memory. Size of everything: at most POOL_BUFFER_BYTES_MAX / 2.
uint8_t *byte_queue_reserve(struct byte_queue *queue, struct pool *pool, uint32_t offset, uint32_t bytes);

// Writes `count` bytes at `offset` behind the end, where they wait until byte_queue_extend(). False: no memory.
bool byte_queue_place(struct byte_queue *queue, struct pool *pool, uint32_t offset, const uint8_t *bytes,
                      uint32_t count);

// Forgets the bytes that were placed behind the end.
void byte_queue_forget_placed(struct byte_queue *queue, struct pool *pool);

// Moves the end by `count` bytes, which were written already.
void byte_queue_extend(struct byte_queue *queue, uint32_t count);

// Removes `count` bytes (at most queue->count) from the front.
void byte_queue_consume(struct byte_queue *queue, struct pool *pool, uint32_t count);

// Removes everything, placed bytes too.
void byte_queue_release(struct byte_queue *queue, struct pool *pool);

#endif
