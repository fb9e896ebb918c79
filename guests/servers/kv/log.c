#include "servers/kv/log.h"

#include "servers/kv/record.h"
#include "servers/kv/replay.h"
#include "servers/kv/rewrite.h"
#include "servers/kv/storage.h"

// What each commit writes of a rewriting at least; tests make it small, so that much happens meanwhile.
#ifndef LOG_STEP_BYTES
#define LOG_STEP_BYTES 65536
#endif

// A record is not let grow beyond RECORD_BYTES but by one request; each commit writes STEP_FACTOR times as much of a rewriting
// as was noted since the last.
enum { RECORD_BYTES = 256 << 10, STEP_FACTOR = 4, RESERVE_PART = 32, HEAD_BYTES = 64 };

bool log_on, log_reading, log_key_written;
uint32_t log_rewriting;

static struct log_writer writer;
static uint64_t base_blocks; // in use when the last rewriting ended
static uint64_t noted_bytes; // since the last commit

bool log_open(const char *storage_name) {
    if (!storage_open(storage_name))
        return false;
    if (!log_writer_init(&writer) || !rewrite_init())
        fail("storage: no memory for blocks of %u bytes", storage.block_bytes);
    replay_log(&writer);
    base_blocks = writer.next;
    log_on = true;
    return true;
}

static bool fits(uint64_t bytes, bool frees) {
    uint64_t reserve = frees ? 0 : storage.half_blocks / RESERVE_PART * storage.block_bytes;
    return bytes + reserve + HEAD_BYTES <= log_writer_room(&writer);
}

bool log_has_room(size_t bytes) {
    return !log_on || fits(bytes, true);
}

static void rewrite_all(void) {
    if (log_rewriting == 0 && (!rewrite_is_of_use() || !rewrite_start()))
        return;
    if (rewrite_some(&writer, UINT64_MAX))
        base_blocks = writer.next;
}

bool log_make_room(size_t bytes, bool frees) {
    if (!log_on)
        return true;
    if (writer.bytes >= RECORD_BYTES)
        log_writer_commit(&writer);
    if (fits(bytes, frees))
        return true;
    rewrite_all();
    return fits(bytes, frees);
}

// Whoever notes something has asked for the room; what lies behind it is not this log's.
static void require_room(size_t bytes) {
    if (bytes > log_writer_room(&writer))
        fail("storage: %lu bytes were noted where there was no room for them", (unsigned long)bytes);
}

void log_request(struct bytes raw) {
    require_room(raw.size);
    log_writer_add(&writer, raw);
    noted_bytes += raw.size;
    if (log_rewriting != 0 && log_key_written)
        rewrite_request(raw);
}

void log_words(const struct bytes *words, size_t count) {
    if (!log_on || count == 0)
        return;
    size_t bytes = log_words_bytes(words, count);
    require_room(bytes);
    log_writer_add_words(&writer, words, count);
    noted_bytes += bytes;
    if (log_rewriting != 0 && log_key_written)
        rewrite_words(words, count);
}

// Half of what the last rewriting left free is used up.
static bool is_due(void) {
    uint64_t free_blocks = storage.half_blocks - base_blocks;
    return log_writer_blocks(&writer) - base_blocks > free_blocks / 2 && rewrite_is_of_use();
}

void log_commit(void) {
    if (!log_on)
        return;
    log_writer_commit(&writer);
    if (log_rewriting == 0 && is_due())
        rewrite_start();
    if (log_rewriting != 0) {
        uint64_t step = noted_bytes * STEP_FACTOR;
        if (rewrite_some(&writer, step > LOG_STEP_BYTES ? step : LOG_STEP_BYTES))
            base_blocks = writer.next;
    }
    noted_bytes = 0;
}

struct log_facts log_facts(void) {
    return (struct log_facts){.blocks = log_on ? log_writer_blocks(&writer) : 0,
                              .blocks_max = storage.half_blocks,
                              .block_bytes = storage.block_bytes,
                              .generation = storage.generation,
                              .records = writer.number == 0 ? 0 : writer.number - 1};
}
