// Records: what one batch changes, as requests in RESP, one behind the other. A record begins at a block's start with a head:
//
//   checksum of the rest of the head and of the requests: CRC-32C, which goes on from that of the record before, or, for
//            the first, from the log's identity and generation
//   "rec\n"
//   the record's number in its log, from 1
//   how many bytes of requests follow
//   a number drawn when the server that wrote it started
//
// The block with the head is written last, so a record is there as a whole or not at all; a block of a record that is there
// is never written again while its log is the log. What an earlier log left on the same blocks, or this one behind a record
// that was damaged and written anew, does not go on from the checksum before it.
#ifndef KV_RECORD_H
#define KV_RECORD_H

#include "servers/kv/bytes.h"

struct record_head {
    uint32_t checksum;
    uint8_t magic[4];
    uint64_t number;
    uint64_t bytes;
    uint64_t start;
};

// A log while records are added to it.
struct log_writer {
    uint64_t generation, identity, start;
    uint64_t next;     // the block where the record begins
    uint64_t number;   // the record's
    uint64_t bytes;    // of requests in it
    uint64_t full;     // blocks of it that are full
    uint32_t before;   // the checksum of the record before
    uint32_t checksum; // of the requests
    uint32_t used;     // bytes of the block that is filled now
    uint8_t *head;     // the record's first block
    uint8_t *tail;     // the one that is filled now, where it is another
};

// Takes memory for two blocks; false without it.
bool log_writer_init(struct log_writer *log);

// Begins a log.
void log_writer_begin(struct log_writer *log, uint64_t generation, uint64_t identity);

// Passes over a record that is there.
void log_writer_pass(struct log_writer *log, const struct record_head *head);

// How many bytes can still be added, to this record alone.
uint64_t log_writer_room(const struct log_writer *log);

// Adds bytes that there is room for.
void log_writer_add(struct log_writer *log, struct bytes bytes);

// Adds a request, of that many bytes at most.
void log_writer_add_words(struct log_writer *log, const struct bytes *words, size_t count);
size_t log_words_bytes(const struct bytes *words, size_t count);

// Writes the record, if anything is in it, and begins the next.
void log_writer_commit(struct log_writer *log);

// Blocks in use, with those of the record that is not written yet.
uint64_t log_writer_blocks(const struct log_writer *log);

// Whether this may be the head of the log's next record; and the whole checksum, from that of its requests.
bool log_head_fits(const struct log_writer *log, const struct record_head *head);
uint32_t log_head_checksum(uint32_t requests_checksum, const struct record_head *head);

#endif
