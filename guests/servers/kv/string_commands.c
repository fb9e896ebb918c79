#include "servers/kv/command.h"
#include "servers/kv/expiry.h"

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
        } else if (expiry_unit(request->words[i], NULL) && unit_word == 0 && !options->keep_deadline
                   && i + 1 < request->count) {
            unit_word = i++;
        } else {
            reply_syntax_error();
            return false;
        }
    }
    return unit_word == 0 || expiry_words(request, unit_word, unit_word + 1, &options->deadline_ms);
}

// Notes a SET whose deadline was reckoned from now.
static void log_set(struct bytes name, struct bytes string, int64_t deadline_ms) {
    uint8_t text[I64_TEXT_MAX];
    struct bytes words[] = {TEXT("SET"), name, string, TEXT("PXAT"), {text, print_i64(text, deadline_ms)}};
    command_changed_as(words, COUNT_OF(words));
}

// Sets a key's string with a deadline, or none; false without memory, and then nothing has changed.
static bool set_with_deadline(struct dict_place *place, struct entry *entry, struct bytes name, struct bytes string,
                              int64_t deadline_ms) {
    bool is_new = entry == NULL;
    entry = keys_set_string(place, entry, name, string);
    if (entry == NULL)
        return false;
    if (deadline_ms == NO_DEADLINE) {
        deadline_clear(entry);
    } else if (!deadline_set(entry, deadline_ms)) {
        // Without its deadline it must not stay; the key that was there has lost its value already.
        if (is_new) {
            keys_find(name, place);
            keys_remove(place, entry);
        }
        return false;
    }
    return true;
}

void command_set(const struct request *request) {
    struct set_options options;
    struct dict_place place;
    struct bytes name = request->words[1], string = request->words[2];
    if (request->count == 3)
        options = (struct set_options){.deadline_ms = NO_DEADLINE};
    else if (!read_set_options(request, &options))
        return;
    struct entry *entry = find_any(request, 1, &place);
    if (options.reply_old) {
        if (entry != NULL && entry->type != TYPE_STRING) {
            reply_wrong_type();
            return;
        }
        reply_entry(entry);
    }
    if (entry != NULL ? options.if_absent : options.if_present) {
        if (!options.reply_old)
            reply_null();
        return;
    }
    bool done = options.keep_deadline ? keys_set_string(&place, entry, name, string) != NULL
                                      : set_with_deadline(&place, entry, name, string, options.deadline_ms);
    if (!done) {
        // The old value is the reply already.
        if (!options.reply_old)
            reply_no_memory();
        return;
    }
    if (options.deadline_ms != NO_DEADLINE)
        log_set(name, string, options.deadline_ms);
    else
        command_changed();
    if (!options.reply_old)
        reply_ok();
}

void command_setnx(const struct request *request) {
    struct dict_place place;
    if (find_any(request, 1, &place) != NULL) {
        reply_integer(0);
    } else if (keys_set_string(&place, NULL, request->words[1], request->words[2]) == NULL) {
        reply_no_memory();
    } else {
        command_changed();
        reply_integer(1);
    }
}

static void set_for_time(const struct request *request, struct bytes unit) {
    struct dict_place place;
    struct bytes name = request->words[1], string = request->words[3];
    int64_t deadline_ms;
    if (!expiry_word(request, unit, 2, &deadline_ms))
        return;
    struct entry *entry = find_any(request, 1, &place);
    if (!set_with_deadline(&place, entry, name, string, deadline_ms)) {
        reply_no_memory();
        return;
    }
    log_set(name, string, deadline_ms);
    reply_ok();
}

void command_setex(const struct request *request) {
    set_for_time(request, TEXT("ex"));
}

void command_psetex(const struct request *request) {
    set_for_time(request, TEXT("px"));
}
