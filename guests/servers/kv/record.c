#include "servers/kv/record.h"

#include "servers/kv/crc32c.h"
#include "servers/kv/hash.h"
#include "servers/kv/heap.h"
#include "servers/kv/storage.h"
#include "servers/kv/text.h"

enum { WORD_HEAD_MAX = I64_TEXT_MAX + 3 };

static const uint8_t magic[4] = {'r', 'e', 'c', '\n'};

bool log_writer_init(struct log_writer *log) {
    log->head = heap_take(storage.block_bytes);
    log->tail = heap_take(storage.block_bytes);
    return log->head != NULL && log->tail != NULL;
}

uint32_t log_head_checksum(uint32_t requests_checksum, const struct record_head *head) {
    const uint8_t *from = head->magic;
    return crc32c(requests_checksum, from, (size_t)((const uint8_t *)(head + 1) - from));
}

bool log_head_fits(const struct log_writer *log, const struct record_head *head) {
    uint64_t room = (storage.half_blocks - log->next) * storage.block_bytes - sizeof *head;
    return memcmp(head->magic, magic, sizeof magic) == 0 && head->number == log->number && head->bytes <= room;
}

static void begin_record(struct log_writer *log) {
    log->bytes = log->full = 0;
    log->used = sizeof(struct record_head);
    log->checksum = log->before;
}

void log_writer_begin(struct log_writer *log, uint64_t generation, uint64_t identity) {
    uint64_t words[] = {identity, generation};
    log->generation = generation;
    log->identity = identity;
    log->start = random_u64();
    log->next = 0;
    log->number = 1;
    log->before = crc32c(0, words, sizeof words);
    begin_record(log);
}

void log_writer_pass(struct log_writer *log, const struct record_head *head) {
    log->next += (sizeof *head + head->bytes + storage.block_bytes - 1) / storage.block_bytes;
    log->number++;
    log->before = head->checksum;
    begin_record(log);
}

uint64_t log_writer_room(const struct log_writer *log) {
    uint64_t blocks = storage.half_blocks - log->next, used = log->full * storage.block_bytes + log->used;
    return blocks * storage.block_bytes > used ? blocks * storage.block_bytes - used : 0;
}

void log_writer_add(struct log_writer *log, struct bytes bytes) {
    log->checksum = crc32c(log->checksum, bytes.at, bytes.size);
    log->bytes += bytes.size;
    while (bytes.size > 0) {
        if (log->used == storage.block_bytes) {
            if (log->full > 0)
                storage_write(log->generation, log->next + log->full, log->tail);
            log->full++;
            log->used = 0;
        }
        size_t room = storage.block_bytes - log->used, part = bytes.size < room ? bytes.size : room;
        memcpy((log->full == 0 ? log->head : log->tail) + log->used, bytes.at, part);
        log->used += (uint32_t)part;
        bytes = (struct bytes){bytes.at + part, bytes.size - part};
    }
}

static void add_number(struct log_writer *log, uint8_t kind, uint64_t number) {
    uint8_t text[WORD_HEAD_MAX], *at = text;
    *at++ = kind;
    at += print_u64(at, number);
    *at++ = '\r';
    *at++ = '\n';
    log_writer_add(log, (struct bytes){text, (size_t)(at - text)});
}

size_t log_words_bytes(const struct bytes *words, size_t count) {
    size_t bytes = WORD_HEAD_MAX;
    for (size_t i = 0; i < count; i++)
        bytes += WORD_HEAD_MAX + words[i].size + 2;
    return bytes;
}

void log_writer_add_words(struct log_writer *log, const struct bytes *words, size_t count) {
    add_number(log, '*', count);
    for (size_t i = 0; i < count; i++) {
        add_number(log, '$', words[i].size);
        log_writer_add(log, words[i]);
        log_writer_add(log, TEXT("\r\n"));
    }
}

void log_writer_commit(struct log_writer *log) {
    if (log->bytes == 0)
        return;
    uint8_t *last = log->full == 0 ? log->head : log->tail;
    memset(last + log->used, 0, storage.block_bytes - log->used);
    if (log->full > 0)
        storage_write(log->generation, log->next + log->full, log->tail);
    struct record_head head = {.number = log->number, .bytes = log->bytes, .start = log->start};
    memcpy(head.magic, magic, sizeof magic);
    head.checksum = log_head_checksum(log->checksum, &head);
    memcpy(log->head, &head, sizeof head);
    storage_write(log->generation, log->next, log->head);
    log_writer_pass(log, &head);
}

uint64_t log_writer_blocks(const struct log_writer *log) {
    return log->next + (log->bytes == 0 ? 0 : log->full + 1);
}
