#include "servers/kv/command.h"

static void push(const struct request *request, enum list_end end, bool if_present) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_LIST, &place, &entry))
        return;
    if (entry == NULL && if_present) {
        reply_integer(0);
        return;
    }
    bool is_new = entry == NULL;
    if (is_new && (entry = keys_add(&place, request->words[1], TYPE_LIST)) == NULL) {
        reply_no_memory();
        return;
    }
    for (uint32_t i = 2; i < request->count; i++) {
        if (list_push(entry->value.list, end, request->words[i]))
            continue;
        if (is_new && i == 2 && keys_find(request->words[1], &place) != NULL)
            keys_remove(&place, entry);
        command_cut_short(request, i, i > 2);
        return;
    }
    command_changed();
    reply_integer((int64_t)entry->value.list->elements);
}

void command_lpush(const struct request *request) {
    push(request, LIST_FIRST, false);
}

void command_rpush(const struct request *request) {
    push(request, LIST_LAST, false);
}

void command_lpushx(const struct request *request) {
    push(request, LIST_FIRST, true);
}

void command_rpushx(const struct request *request) {
    push(request, LIST_LAST, true);
}

static void drop(const struct dict_place *place, struct entry *entry, enum list_end end) {
    list_drop(entry->value.list, end);
    if (entry->value.list->elements == 0)
        keys_remove(place, entry);
}

static void pop(const struct request *request, enum list_end end) {
    struct dict_place place;
    struct entry *entry;
    int64_t count = 1;
    bool as_list = request->count > 2;
    if (request->count > 3) {
        reply_wrong_arity(request);
        return;
    }
    if (as_list && (!parse_i64(request->words[2], &count) || count < 0)) {
        reply_error("ERR value is out of range, must be positive");
        return;
    }
    if (!find_of_type(request, 1, TYPE_LIST, &place, &entry))
        return;
    if (entry == NULL) {
        if (as_list)
            reply_no_list();
        else
            reply_null();
        return;
    }
    uint64_t elements = entry->value.list->elements;
    if ((uint64_t)count > elements)
        count = (int64_t)elements;
    if (as_list)
        reply_list((uint64_t)count);
    if (count == 0)
        return;
    for (int64_t i = 0; i < count; i++) {
        reply_raw(list_peek(entry->value.list, end));
        drop(&place, entry, end);
    }
    command_changed();
}

void command_lpop(const struct request *request) {
    pop(request, LIST_FIRST);
}

void command_rpop(const struct request *request) {
    pop(request, LIST_LAST);
}

void command_llen(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_LIST, &place, &entry))
        reply_integer(entry == NULL ? 0 : (int64_t)entry->value.list->elements);
}

void command_lindex(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t index;
    if (!find_of_type(request, 1, TYPE_LIST, &place, &entry))
        return;
    if (entry == NULL) {
        reply_null();
        return;
    }
    if (!integer_word(request, 2, &index))
        return;
    int64_t elements = (int64_t)entry->value.list->elements;
    index = index < 0 ? index + elements : index;
    if (index < 0 || index >= elements)
        reply_null();
    else
        reply_raw(list_wire(list_at(entry->value.list, (uint64_t)index)));
}

// Turns indices that may count from the end into a range; false where it is empty.
static bool range_of(const struct entry *entry, int64_t *from, int64_t *to) {
    int64_t elements = entry == NULL ? 0 : (int64_t)entry->value.list->elements;
    *from = *from < 0 ? *from + elements : *from;
    *to = *to < 0 ? *to + elements : *to;
    *from = *from < 0 ? 0 : *from;
    *to = *to >= elements ? elements - 1 : *to;
    return *from <= *to;
}

void command_lrange(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t from, to;
    if (!integer_word(request, 2, &from) || !integer_word(request, 3, &to) ||
        !find_of_type(request, 1, TYPE_LIST, &place, &entry))
        return;
    if (!range_of(entry, &from, &to)) {
        reply_list(0);
        return;
    }
    uint64_t left = (uint64_t)(to - from) + 1;
    reply_list(left);
    struct list_place at = list_at(entry->value.list, (uint64_t)from);
    while (left > 0) {
        uint64_t count = left;
        reply_raw(list_run(&at, &count));
        left -= count;
    }
}

void command_ltrim(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t from, to;
    if (!integer_word(request, 2, &from) || !integer_word(request, 3, &to) ||
        !find_of_type(request, 1, TYPE_LIST, &place, &entry))
        return;
    if (entry != NULL && !range_of(entry, &from, &to)) {
        keys_remove(&place, entry);
        command_changed();
    } else if (entry != NULL) {
        struct list *list = entry->value.list;
        uint64_t behind = list->elements - (uint64_t)to - 1;
        for (int64_t i = 0; i < from; i++)
            list_drop(list, LIST_FIRST);
        for (uint64_t i = 0; i < behind; i++)
            list_drop(list, LIST_LAST);
        if (from > 0 || behind > 0)
            command_changed();
    }
    reply_ok();
}
