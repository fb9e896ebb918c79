#include "servers/kv/command.h"
#include "servers/kv/expiry.h"
#include "servers/kv/heap.h"

static void reply_entry(const struct entry *entry) {
    if (entry == NULL)
        reply_null();
    else
        reply_string(entry_string(entry));
}

void command_get(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_STRING, &place, &entry))
        reply_entry(entry);
}

struct set_options {
    bool if_absent, if_present, keep_deadline, reply_old;
    int64_t deadline_ms; // NO_DEADLINE: none
};

static bool read_set_options(const struct request *request, struct set_options *options) {
    *options = (struct set_options){.deadline_ms = NO_DEADLINE};
    uint32_t unit_word = 0;
    for (uint32_t i = 3; i < request->count; i++) {
        if (word_at_is(request, i, "nx") && !options->if_present) {
            options->if_absent = true;
        } else if (word_at_is(request, i, "xx") && !options->if_absent) {
            options->if_present = true;
        } else if (word_at_is(request, i, "get")) {
            options->reply_old = true;
        } else if (word_at_is(request, i, "keepttl") && unit_word == 0) {
            options->keep_deadline = true;
        } else if (expiry_unit(request->words[i], NULL) && unit_word == 0 && !options->keep_deadline &&
                   i + 1 < request->count) {
            unit_word = i++;
        } else {
            reply_syntax_error();
            return false;
        }
    }
    return unit_word == 0 || expiry_word(request, request->words[unit_word], unit_word + 1, &options->deadline_ms);
}

// Notes a SET whose deadline was reckoned from now.
static void log_set(struct bytes name, struct bytes string, int64_t deadline_ms) {
    uint8_t text[I64_TEXT_MAX];
    struct bytes words[] = {TEXT("SET"), name, string, TEXT("PXAT"), {text, print_i64(text, deadline_ms)}};
    command_changed_as(words, COUNT_OF(words));
}

// Sets a key's string and its deadline; false without memory, and then nothing has changed.
static bool set_string(struct dict_place *place, struct entry *entry, const struct request *request, uint32_t word,
                       const struct set_options *options) {
    struct bytes name = request->words[1], string = request->words[word];
    if (options->deadline_ms != NO_DEADLINE && !deadline_reserve())
        return false;
    entry = keys_set_string(place, entry, name, string);
    if (entry == NULL)
        return false;
    if (options->deadline_ms != NO_DEADLINE) {
        deadline_set(entry, options->deadline_ms);
        log_set(name, string, options->deadline_ms);
        return true;
    }
    if (!options->keep_deadline)
        deadline_clear(entry);
    command_changed();
    return true;
}

static void set_and_reply(struct dict_place *place, struct entry *entry, const struct request *request, uint32_t word,
                          const struct set_options *options) {
    if (!options->reply_old) {
        if (set_string(place, entry, request, word, options))
            reply_ok();
        else
            reply_no_memory();
        return;
    }
    // The old string is replied once the new one is there for certain.
    struct bytes old = entry == NULL ? TEXT("") : entry_string(entry);
    uint8_t *kept = heap_take(old.size);
    if (kept != NULL)
        memcpy(kept, old.at, old.size);
    if (kept == NULL || !set_string(place, entry, request, word, options))
        reply_no_memory();
    else if (entry == NULL)
        reply_null();
    else
        reply_string((struct bytes){kept, old.size});
    if (kept != NULL)
        heap_give(kept);
}

void command_set(const struct request *request) {
    struct set_options options = {.deadline_ms = NO_DEADLINE};
    struct dict_place place;
    if (request->count > 3 && !read_set_options(request, &options))
        return;
    struct entry *entry = find_any(request, 1, &place);
    if (options.reply_old && entry != NULL && entry->type != TYPE_STRING)
        reply_wrong_type();
    else if (!(entry != NULL ? options.if_absent : options.if_present))
        set_and_reply(&place, entry, request, 2, &options);
    else if (options.reply_old)
        reply_entry(entry);
    else
        reply_null();
}

void command_getset(const struct request *request) {
    struct set_options options = {.deadline_ms = NO_DEADLINE, .reply_old = true};
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_STRING, &place, &entry))
        set_and_reply(&place, entry, request, 2, &options);
}

void command_setnx(const struct request *request) {
    struct set_options options = {.deadline_ms = NO_DEADLINE};
    struct dict_place place;
    if (find_any(request, 1, &place) != NULL)
        reply_integer(0);
    else if (set_string(&place, NULL, request, 2, &options))
        reply_integer(1);
    else
        reply_no_memory();
}

static void set_for_time(const struct request *request, struct bytes unit) {
    struct set_options options = {0};
    struct dict_place place;
    if (expiry_word(request, unit, 2, &options.deadline_ms))
        set_and_reply(&place, find_any(request, 1, &place), request, 3, &options);
}

void command_setex(const struct request *request) {
    set_for_time(request, TEXT("ex"));
}

void command_psetex(const struct request *request) {
    set_for_time(request, TEXT("px"));
}

void command_getdel(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_STRING, &place, &entry))
        return;
    reply_entry(entry);
    if (entry == NULL)
        return;
    struct bytes words[] = {TEXT("DEL"), request->words[1]};
    keys_remove(&place, entry);
    command_changed_as(words, COUNT_OF(words));
}

void command_getex(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t deadline_ms = NO_DEADLINE;
    bool persist = request->count > 2;
    for (uint32_t i = 2; i < request->count; i++)
        persist &= word_at_is(request, i, "persist");
    bool with_deadline = request->count == 4 && expiry_unit(request->words[2], NULL);
    if (request->count != 2 && !persist && !with_deadline) {
        reply_syntax_error();
        return;
    }
    if (!find_of_type(request, 1, TYPE_STRING, &place, &entry))
        return;
    if (entry != NULL && with_deadline && !expiry_word(request, request->words[2], 3, &deadline_ms))
        return;
    reply_entry(entry);
    if (entry == NULL)
        return;
    if (persist && entry->deadline != 0)
        expiry_clear(entry);
    else if (deadline_ms != NO_DEADLINE && (entry->deadline != 0 || deadline_reserve()))
        expiry_set(&place, entry, request->words[1], deadline_ms);
}

void command_mget(const struct request *request) {
    struct dict_place place;
    reply_list(request->count - 1);
    for (uint32_t i = 1; i < request->count; i++) {
        struct entry *entry = find_any(request, i, &place);
        reply_entry(entry != NULL && entry->type == TYPE_STRING ? entry : NULL);
    }
}

// Sets all pairs, each noted by itself: of many keys, some may be in the new log and some not.
static bool set_pairs(const struct request *request) {
    for (uint32_t i = 1; i < request->count; i += 2) {
        struct dict_place place;
        struct bytes words[] = {TEXT("SET"), request->words[i], request->words[i + 1]};
        struct entry *entry = keys_set_string(&place, keys_find(words[1], &place), words[1], words[2]);
        if (entry == NULL)
            return false;
        deadline_clear(entry);
        command_changed_as(words, COUNT_OF(words));
    }
    return true;
}

void command_mset(const struct request *request) {
    if (request->count % 2 == 0)
        reply_wrong_arity(request);
    else if (set_pairs(request))
        reply_ok();
    else
        reply_no_memory();
}

void command_msetnx(const struct request *request) {
    if (request->count % 2 == 0) {
        reply_wrong_arity(request);
        return;
    }
    for (uint32_t i = 1; i < request->count; i += 2) {
        struct dict_place place;
        if (keys_find(request->words[i], &place) != NULL) {
            reply_integer(0);
            return;
        }
    }
    if (set_pairs(request))
        reply_integer(1);
    else
        reply_no_memory();
}
