#include "serve/byte_queue.h"

static void move_to_front(struct byte_queue *queue) {
    __builtin_memmove(queue->memory, byte_queue_front(queue), queue->extent);
    queue->front = 0;
}

static bool grow(struct byte_queue *queue, struct pool *pool, uint32_t bytes) {
    uint32_t capacity = pool_round_up(bytes);
    uint8_t *memory = pool_take(pool, capacity);
    if (!memory)
        return false;
    if (queue->memory) {
        __builtin_memcpy(memory, byte_queue_front(queue), queue->extent);
        pool_give(pool, queue->memory, queue->capacity);
    }
    queue->memory = memory;
    queue->capacity = capacity;
    queue->front = 0;
    return true;
}

uint8_t *byte_queue_reserve(struct byte_queue *queue, struct pool *pool, uint32_t offset, uint32_t bytes) {
    uint32_t needed = queue->count + offset + bytes;
    if (needed < queue->extent)
        needed = queue->extent;
    if (!queue->memory) {
        if (!grow(queue, pool, needed))
            return NULL;
    } else if (queue->front + needed > queue->capacity) {
        if (needed <= queue->capacity / 2)
            move_to_front(queue);
        else if (needed * 2 <= POOL_BUFFER_BYTES_MAX && grow(queue, pool, needed * 2))
            return byte_queue_front(queue) + queue->count + offset;
        else if (needed <= queue->capacity)
            move_to_front(queue);
        else if (!grow(queue, pool, needed))
            return NULL;
    }
    return byte_queue_front(queue) + queue->count + offset;
}

bool byte_queue_place(struct byte_queue *queue, struct pool *pool, uint32_t offset, const uint8_t *bytes,
                      uint32_t count) {
    uint8_t *to = byte_queue_reserve(queue, pool, offset, count);
    if (!to)
        return false;
    __builtin_memcpy(to, bytes, count);
    uint32_t extent = queue->count + offset + count;
    if (queue->extent < extent)
        queue->extent = extent;
    return true;
}

void byte_queue_forget_placed(struct byte_queue *queue, struct pool *pool) {
    queue->extent = queue->count;
    if (queue->extent == 0)
        byte_queue_release(queue, pool);
}

void byte_queue_extend(struct byte_queue *queue, uint32_t count) {
    queue->count += count;
    if (queue->extent < queue->count)
        queue->extent = queue->count;
}

void byte_queue_consume(struct byte_queue *queue, struct pool *pool, uint32_t count) {
    queue->front += count;
    queue->count -= count;
    queue->extent -= count;
    if (queue->extent == 0)
        byte_queue_release(queue, pool);
}

void byte_queue_release(struct byte_queue *queue, struct pool *pool) {
    if (queue->memory)
        pool_give(pool, queue->memory, queue->capacity);
    *queue = (struct byte_queue){0};
}
