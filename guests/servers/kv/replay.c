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

// The part of a record's requests that its block number `index` has, counted from 0.
static struct bytes part_of(const struct record_head *head, uint64_t index, const uint8_t *block) {
    uint64_t first = storage.block_bytes - sizeof *head;
    uint64_t from = index == 0 ? 0 : first + (index - 1) * storage.block_bytes;
    uint64_t room = index == 0 ? first : storage.block_bytes, left = head->bytes - from;
    return (struct bytes){index == 0 ? block + sizeof *head : block, left < room ? left : room};
}

// Goes through a record's blocks, the first of which has been read. Where it is there as a whole: true, and `requests`,
// where it is not NULL, has received what it holds.
static bool read_record(const struct log_writer *log, const struct record_head *head, uint8_t *block,
                        uint8_t *requests) {
    uint32_t checksum = log->before;
    for (uint64_t index = 0, done = 0; done < head->bytes; index++) {
        if (index > 0)
            storage_read(log->generation, log->next + index, block);
        struct bytes part = part_of(head, index, block);
        checksum = crc32c(checksum, part.at, part.size);
        if (requests != NULL)
            memcpy(requests + done, part.at, part.size);
        done += part.size;
    }
    return log_head_checksum(checksum, head) == head->checksum;
}

// Carries out the log's next record; false where there is none.
static bool replay_record(struct log_writer *log, uint8_t *block) {
    struct record_head head;
    storage_read(log->generation, log->next, block);
    memcpy(&head, block, sizeof head);
    if (!log_head_fits(log, &head))
        return false;
    uint8_t *requests = heap_take(head.bytes);
    bool whole = read_record(log, &head, block, requests);
    if (whole && requests == NULL)
        fail("storage: record %lu of the log needs %lu bytes: give the guest more memory", (unsigned long)log->number,
             (unsigned long)head.bytes);
    if (whole) {
        carry_out((struct bytes){requests, head.bytes}, log->number);
        log_writer_pass(log, &head);
    }
    if (requests != NULL)
        heap_give(requests);
    return whole;
}

void replay_log(struct log_writer *log) {
    uint8_t *block = heap_take(storage.block_bytes);
    if (block == NULL)
        fail("storage: no memory for a block of %u bytes", storage.block_bytes);
    log_writer_begin(log, storage.generation, storage.identity);
    log_reading = true;
    keys_expire = false;
    while (log->next < storage.half_blocks && replay_record(log, block))
        continue;
    heap_give(block);
    log_reading = false;
    keys_expire = true;
}
