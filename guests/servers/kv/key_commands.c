#include "servers/kv/command.h"
#include "servers/kv/heap.h"
#include "servers/kv/log.h"
#include "servers/kv/rewrite.h"

void command_del(const struct request *request) {
    int64_t count = 0;
    for (uint32_t i = 1; i < request->count; i++) {
        struct dict_place place;
        struct bytes words[] = {TEXT("DEL"), request->words[i]};
        struct entry *entry = keys_find(words[1], &place);
        if (entry == NULL)
            continue;
        keys_remove(&place, entry);
        command_changed_as(words, COUNT_OF(words));
        count++;
    }
    reply_integer(count);
}

void command_unlink(const struct request *request) {
    command_del(request);
}

void command_exists(const struct request *request) {
    int64_t count = 0;
    struct dict_place place;
    for (uint32_t i = 1; i < request->count; i++)
        count += find_any(request, i, &place) != NULL;
    reply_integer(count);
}

void command_touch(const struct request *request) {
    command_exists(request);
}

void command_type(const struct request *request) {
    struct dict_place place;
    struct entry *entry = find_any(request, 1, &place);
    const char *name = entry == NULL ? "none" : type_name((enum type)entry->type);
    reply_text(TEXT("+"));
    reply_text((struct bytes){(const uint8_t *)name, strlen(name)});
    REPLY("");
}

static void rename(const struct request *request, bool if_absent) {
    struct dict_place place;
    struct bytes from_name = request->words[1], to_name = request->words[2];
    struct entry *from = keys_find(from_name, &place);
    bool from_written = log_key_written;
    if (from == NULL) {
        reply_error("ERR no such key");
        return;
    }
    bool there = keys_find(to_name, &place) != NULL;
    bool to_written = log_key_written;
    if (there && if_absent) {
        reply_integer(0);
        return;
    }
    if (!bytes_equal(from_name, to_name)) {
        struct entry *renamed = keys_rename(from, to_name);
        if (renamed == NULL) {
            reply_no_memory();
            return;
        }
        command_changed_as(NULL, 0);
        rewrite_renamed(from_name, from_written, renamed, there && to_written);
    }
    if (if_absent)
        reply_integer(1);
    else
        reply_ok();
}

void command_rename(const struct request *request) {
    rename(request, false);
}

void command_renamenx(const struct request *request) {
    rename(request, true);
}

void command_dbsize(const struct request *request) {
    (void)request;
    reply_integer((int64_t)keys.entries);
}

void command_randomkey(const struct request *request) {
    enum { TRIES = 100 };
    (void)request;
    for (int i = 0; i < TRIES; i++) {
        struct dict_place place;
        struct entry *entry = dict_random(&keys);
        if (entry == NULL)
            break;
        if (keys_find(entry_name(entry), &place) != NULL) {
            reply_string(entry_name(entry));
            return;
        }
    }
    reply_null();
}

void command_flushall(const struct request *request) {
    bool known = request->count == 1 ||
                 (request->count == 2 && (word_at_is(request, 1, "async") || word_at_is(request, 1, "sync")));
    if (!known) {
        reply_syntax_error();
        return;
    }
    keys_clear();
    rewrite_stop();
    command_changed();
    reply_ok();
}

void command_flushdb(const struct request *request) {
    command_flushall(request);
}
