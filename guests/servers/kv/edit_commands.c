// Strings as numbers, and in part.
#include "servers/kv/command.h"

static void reply_too_long(void) {
    reply_error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}

// Puts a number's text into the string it came from where it has the room, which it nearly always does.
static bool store_number(struct dict_place *place, struct entry *entry, struct bytes name, int64_t number) {
    uint8_t text[I64_TEXT_MAX];
    struct bytes string = {text, print_i64(text, number)};
    return keys_set_string(place, entry, name, string) != NULL;
}

static void add(const struct request *request, int64_t summand) {
    struct dict_place place;
    struct entry *entry;
    int64_t number = 0;
    if (!find_of_type(request, 1, TYPE_STRING, &place, &entry))
        return;
    if (entry != NULL && !parse_i64(entry_string(entry), &number)) {
        reply_not_an_integer();
    } else if (__builtin_add_overflow(number, summand, &number)) {
        reply_error("ERR increment or decrement would overflow");
    } else if (!store_number(&place, entry, request->words[1], number)) {
        reply_no_memory();
    } else {
        command_changed();
        reply_integer(number);
    }
}

void command_incr(const struct request *request) {
    add(request, 1);
}

void command_decr(const struct request *request) {
    add(request, -1);
}

void command_incrby(const struct request *request) {
    int64_t number;
    if (integer_word(request, 2, &number))
        add(request, number);
}

void command_decrby(const struct request *request) {
    int64_t number;
    if (!integer_word(request, 2, &number))
        return;
    if (number == INT64_MIN)
        reply_error("ERR decrement would overflow");
    else
        add(request, -number);
}

void command_append(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    struct bytes name = request->words[1], more = request->words[2];
    if (!find_of_type(request, 1, TYPE_STRING, &place, &entry))
        return;
    size_t size = entry == NULL ? 0 : entry->size;
    if (size + more.size > REQUEST_BULK_MAX) {
        reply_too_long();
        return;
    }
    entry = entry == NULL ? keys_set_string(&place, NULL, name, more)
                          : entry_resize_string(&place, entry, size + more.size);
    if (entry == NULL) {
        reply_no_memory();
        return;
    }
    copy_bytes(entry_string_bytes(entry) + size, more.at, more.size);
    command_changed();
    reply_integer((int64_t)entry->size);
}

void command_strlen(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_STRING, &place, &entry))
        reply_integer(entry == NULL ? 0 : (int64_t)entry->size);
}

void command_getrange(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t from, to;
    if (!integer_word(request, 2, &from) || !integer_word(request, 3, &to) ||
        !find_of_type(request, 1, TYPE_STRING, &place, &entry))
        return;
    int64_t size = entry == NULL ? 0 : (int64_t)entry->size;
    bool turned = from < 0 && to < 0 && from > to;
    from = from < 0 ? from + size : from;
    to = to < 0 ? to + size : to;
    from = from < 0 ? 0 : from;
    to = to < 0 ? 0 : to >= size ? size - 1 : to;
    if (turned || from > to || size == 0)
        reply_string(TEXT(""));
    else
        reply_string((struct bytes){entry_string(entry).at + from, (size_t)(to - from + 1)});
}

void command_substr(const struct request *request) {
    command_getrange(request);
}

void command_setrange(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t from;
    struct bytes name = request->words[1], part = request->words[3];
    if (!integer_word(request, 2, &from))
        return;
    if (from < 0) {
        reply_error("ERR offset is out of range");
        return;
    }
    if (!find_of_type(request, 1, TYPE_STRING, &place, &entry))
        return;
    if (part.size == 0) {
        reply_integer(entry == NULL ? 0 : (int64_t)entry->size);
        return;
    }
    if (from > REQUEST_BULK_MAX - (int64_t)part.size) {
        reply_too_long();
        return;
    }
    size_t size = (size_t)from + part.size;
    if (entry == NULL && (entry = keys_set_string(&place, NULL, name, TEXT(""))) != NULL)
        entry = keys_find(name, &place);
    struct entry *changed = entry == NULL         ? NULL
                            : size <= entry->size ? entry
                                                  : entry_resize_string(&place, entry, size);
    if (changed == NULL) {
        if (entry != NULL && entry->size == 0)
            keys_remove(&place, entry);
        reply_no_memory();
        return;
    }
    copy_bytes(entry_string_bytes(changed) + from, part.at, part.size);
    command_changed();
    reply_integer((int64_t)changed->size);
}
