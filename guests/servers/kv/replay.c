#include "servers/kv/replay.h"

#include "servers/kv/command.h"
#include "servers/kv/crc32c.h"
#include "servers/kv/heap.h"
#include "servers/kv/log.h"
#include "servers/kv/storage.h"

static void carry_out(struct bytes requests, uint64_t number) {
    while (requests.size > 0) {
        struct request request;
        struct request_progress progress = {0};
        const char *error;
        uint64_t errors = reply_errors;
        if (request_read(requests, &progress, &request, &error) != REQUEST_WHOLE || request.count == 0)
            fail("storage: record %lu of the log holds no requests", (unsigned long)number);
        reply_begin(NULL);
        command_run(&request);
        reply_end();
        if (reply_errors != errors)
            fail("storage: record %lu of the log cannot be carried out: give the guest more memory",
                 (unsigned long)number);
        requests = (struct bytes){requests.at + request.raw.size, requests.size - request.raw.size};
    }
}

// Reads the rest of a record whose first block is there; NULL where it is not whole.
static uint8_t *read_requests(const uint8_t *first, const struct record_head *head, uint64_t next, uint64_t number) {
    uint8_t *requests = heap_take(head->bytes);
    uint8_t *block = heap_take(storage.block_bytes);
    if (requests == NULL || block == NULL)
        fail("storage: record %lu of the log needs %lu bytes: give the guest more memory", (unsigned long)number,
             (unsigned long)head->bytes);
    size_t done = storage.block_bytes - sizeof *head;
    done = done < head->bytes ? done : head->bytes;
    memcpy(requests, first + sizeof *head, done);
    for (next++; done < head->bytes; next++) {
        size_t left = head->bytes - done, part = left < storage.block_bytes ? left : storage.block_bytes;
        storage_read(storage.generation, next, block);
        memcpy(requests + done, block, part);
        done += part;
    }
    heap_give(block);
    uint32_t checksum = crc32c(log_checksum(storage.generation), requests, head->bytes);
    if (log_head_checksum(checksum, head) == head->checksum)
        return requests;
    heap_give(requests);
    return NULL;
}

void replay_log(struct log_writer *writer) {
    uint64_t next = 0, number = 1;
    uint8_t *block = heap_take(storage.block_bytes);
    if (block == NULL)
        fail("storage: no memory for a block of %u bytes", storage.block_bytes);
    log_reading = true;
    keys_expire = false;
    for (; next < storage.half_blocks; number++) {
        struct record_head head;
        storage_read(storage.generation, next, block);
        memcpy(&head, block, sizeof head);
        uint64_t room = (storage.half_blocks - next) * storage.block_bytes - sizeof head;
        uint8_t *requests = log_head_fits(&head, number, room) ? read_requests(block, &head, next, number) : NULL;
        if (requests == NULL)
            break;
        carry_out((struct bytes){requests, head.bytes}, number);
        heap_give(requests);
        next += (sizeof head + head.bytes + storage.block_bytes - 1) / storage.block_bytes;
    }
    heap_give(block);
    log_reading = false;
    keys_expire = true;
    log_writer_begin(writer, storage.generation, next, number);
}
