#include "servers/kv/rewrite.h"

#include "servers/kv/hash.h"
#include "servers/kv/heap.h"
#include "servers/kv/keys.h"
#include "servers/kv/log.h"
#include "servers/kv/storage.h"
#include "servers/kv/text.h"

// Elements of one request.
enum { PART = 64 };

static struct log_writer writer;
static uint32_t rewritings; // so far
static uint64_t cursor;
static size_t too_much; // heap in use when there was too little room for all keys; 0: there was enough

static struct bytes words[2 + 2 * PART];
static uint8_t scores[PART][REAL_TEXT_MAX];
static size_t words_count;

bool rewrite_init(void) {
    return log_writer_init(&writer);
}

bool rewrite_start(void) {
    if (log_rewriting != 0)
        return false;
    log_rewriting = ++rewritings;
    cursor = 0;
    log_writer_begin(&writer, storage.generation + 1, random_u64());
    return true;
}

void rewrite_stop(void) {
    log_rewriting = 0;
}

bool rewrite_is_of_use(void) {
    return too_much == 0 || heap_used() < too_much - too_much / 8;
}

static bool make_room(size_t bytes) {
    if (bytes <= log_writer_room(&writer))
        return true;
    too_much = heap_used();
    rewrite_stop();
    return false;
}

void rewrite_request(struct bytes raw) {
    if (make_room(raw.size))
        log_writer_add(&writer, raw);
}

void rewrite_words(const struct bytes *of, size_t count) {
    if (make_room(log_words_bytes(of, count)))
        log_writer_add_words(&writer, of, count);
}

// Begins a request of a key's elements.
static void begin_part(struct bytes command, const struct entry *entry) {
    words[0] = command;
    words[1] = entry_name(entry);
    words_count = 2;
}

static void end_part(void) {
    if (words_count > 2 && log_rewriting != 0)
        rewrite_words(words, words_count);
    words_count = 2;
}

static void add_word(struct bytes word) {
    words[words_count++] = word;
}

static void dump_member(void *member, void *context) {
    (void)context;
    add_word(member_name(member));
    if (words_count == 2 + PART)
        end_part();
}

static void dump_field(void *field, void *context) {
    (void)context;
    add_word(entry_name(field));
    add_word(entry_string(field));
    if (words_count == 2 + 2 * PART)
        end_part();
}

static void dump_list(const struct list *list) {
    for (struct list_place at = {list->first, 0}; at.chunk != NULL; at = list_next(at)) {
        add_word(list_element(list_wire(at)));
        if (words_count == 2 + PART)
            end_part();
    }
}

static void dump_zset(const struct zset *zset) {
    for (const struct zset_node *node = zset_at(zset, 0); node != NULL; node = zset_next(node)) {
        uint8_t *text = scores[(words_count - 2) / 2];
        add_word((struct bytes){text, real_print(text, node->score)});
        add_word(zset_name(node));
        if (words_count == 2 + 2 * PART)
            end_part();
    }
}

static void dump_value(const struct entry *entry) {
    static const struct bytes commands[TYPES] = {{(const uint8_t *)"SET", 3},
                                                 {(const uint8_t *)"RPUSH", 5},
                                                 {(const uint8_t *)"SADD", 4},
                                                 {(const uint8_t *)"HSET", 4},
                                                 {(const uint8_t *)"ZADD", 4}};
    begin_part(commands[entry->type], entry);
    switch ((enum type)entry->type) {
    case TYPE_LIST:
        dump_list(entry->value.list);
        break;
    case TYPE_SET:
        dict_each(entry->value.table, dump_member, NULL);
        break;
    case TYPE_HASH:
        dict_each(entry->value.table, dump_field, NULL);
        break;
    case TYPE_ZSET:
        dump_zset(entry->value.zset);
        break;
    default:
        add_word(entry_string(entry));
    }
    end_part();
}

static void dump(void *object, void *context) {
    struct entry *entry = object;
    (void)context;
    if (log_rewriting == 0 || entry->written == log_rewriting)
        return;
    dump_value(entry);
    if (entry->deadline != 0 && log_rewriting != 0) {
        uint8_t text[I64_TEXT_MAX];
        struct bytes deadline[] = {TEXT("PEXPIREAT"), entry_name(entry), {text, print_i64(text, deadline_of(entry))}};
        rewrite_words(deadline, COUNT_OF(deadline));
    }
    entry->written = log_rewriting;
}

bool rewrite_some(struct log_writer *log, uint64_t bytes) {
    enum { RECORD_BYTES = 256 << 10 };
    bool done = false;
    for (uint64_t written = 0; written < bytes && !done && log_rewriting != 0;) {
        uint64_t before = writer.bytes;
        cursor = dict_scan(&keys, cursor, dump, NULL);
        done = cursor == 0;
        // A part without keys counts too, so that a sparse table takes no longer than a full one.
        written += writer.bytes - before + sizeof(struct bucket);
        if (writer.bytes >= RECORD_BYTES && log_rewriting != 0)
            log_writer_commit(&writer);
    }
    if (log_rewriting == 0)
        return false;
    log_writer_commit(&writer);
    if (!done)
        return false;
    storage_switch(writer.generation, writer.identity);
    struct log_writer old = *log;
    *log = writer;
    writer = old;
    log_rewriting = 0;
    too_much = 0;
    return true;
}

void rewrite_renamed(struct bytes from_name, bool from_written, struct entry *renamed, bool other_written) {
    struct bytes rename[] = {TEXT("RENAME"), from_name, entry_name(renamed)};
    struct bytes from_gone[] = {TEXT("DEL"), from_name}, other_gone[] = {TEXT("DEL"), entry_name(renamed)};
    if (!log_on)
        return;
    log_key_written = false;
    log_words(rename, COUNT_OF(rename));
    if (log_rewriting != 0 && from_written)
        rewrite_words(from_gone, COUNT_OF(from_gone));
    if (log_rewriting != 0 && other_written)
        rewrite_words(other_gone, COUNT_OF(other_gone));
    dump(renamed, NULL);
}
