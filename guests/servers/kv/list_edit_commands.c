// Changes in the middle of lists, and moves between them.
#include "servers/kv/command.h"
#include "servers/kv/heap.h"
#include "servers/kv/log.h"
#include "servers/kv/record.h"

void command_lset(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t index;
    if (!find_of_type(request, 1, TYPE_LIST, &place, &entry))
        return;
    if (entry == NULL) {
        reply_error("ERR no such key");
        return;
    }
    if (!integer_word(request, 2, &index))
        return;
    struct list *list = entry->value.list;
    index = index < 0 ? index + (int64_t)list->elements : index;
    if (index < 0 || index >= (int64_t)list->elements) {
        reply_error("ERR index out of range");
    } else if (!list_replace(list, list_at(list, (uint64_t)index), request->words[3])) {
        reply_no_memory();
    } else {
        command_changed();
        reply_ok();
    }
}

static bool is_element(struct list_place at, struct bytes element) {
    return bytes_equal(list_element(list_wire(at)), element);
}

void command_linsert(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    bool behind = word_at_is(request, 2, "after");
    if (!behind && !word_at_is(request, 2, "before")) {
        reply_syntax_error();
        return;
    }
    if (!find_of_type(request, 1, TYPE_LIST, &place, &entry))
        return;
    if (entry == NULL) {
        reply_integer(0);
        return;
    }
    struct list *list = entry->value.list;
    struct list_place at = {list->first, 0};
    while (at.chunk != NULL && !is_element(at, request->words[3]))
        at = list_next(at);
    if (at.chunk == NULL) {
        reply_integer(-1);
        return;
    }
    if (behind)
        at = list_next(at);
    bool done = at.chunk == NULL ? list_push(list, LIST_LAST, request->words[4])
                                 : list_insert_before(list, at, request->words[4]);
    if (!done) {
        reply_no_memory();
        return;
    }
    command_changed();
    reply_integer((int64_t)list->elements);
}

static int64_t remove_forward(struct list *list, struct bytes element, uint64_t limit) {
    uint64_t removed = 0;
    for (struct list_place at = {list->first, 0}; at.chunk != NULL && removed < limit;) {
        bool same = is_element(at, element);
        at = same ? list_remove(list, at) : list_next(at);
        removed += same;
    }
    return (int64_t)removed;
}

static int64_t remove_backward(struct list *list, struct bytes element, uint64_t limit) {
    uint64_t removed = 0;
    for (struct list_place at = list_at(list, list->elements - 1); at.chunk != NULL && removed < limit;) {
        struct list_place before = list_before(at);
        if (is_element(at, element)) {
            list_remove(list, at);
            removed++;
        }
        at = before;
    }
    return (int64_t)removed;
}

void command_lrem(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t count;
    if (!integer_word(request, 2, &count) || !find_of_type(request, 1, TYPE_LIST, &place, &entry))
        return;
    if (entry == NULL) {
        reply_integer(0);
        return;
    }
    struct list *list = entry->value.list;
    int64_t removed = count < 0 ? remove_backward(list, request->words[3], 0 - (uint64_t)count)
                                : remove_forward(list, request->words[3], count == 0 ? UINT64_MAX : (uint64_t)count);
    if (list->elements == 0)
        keys_remove(&place, entry);
    if (removed > 0)
        command_changed();
    reply_integer(removed);
}

// The element moves when the other list has it for certain; the words that tell it are of one key each.
static void move(const struct request *request, enum list_end from_end, enum list_end to_end) {
    static const char *const pops[] = {"LPOP", "RPOP"}, *const pushes[] = {"LPUSH", "RPUSH"};
    struct dict_place place;
    struct entry *from, *to;
    struct bytes from_name = request->words[1], to_name = request->words[2];
    if (!find_of_type(request, 1, TYPE_LIST, &place, &from))
        return;
    if (from == NULL) {
        reply_null();
        return;
    }
    if (!find_of_type(request, 2, TYPE_LIST, &place, &to))
        return;
    struct bytes wire = list_peek(from->value.list, from_end);
    if (!log_has_room(wire.size + log_words_bytes(request->words, request->count) * 2)) {
        reply_log_full();
        return;
    }
    uint8_t *kept = heap_take(wire.size);
    bool is_new = to == NULL;
    if (kept != NULL && is_new)
        to = keys_add(&place, to_name, TYPE_LIST);
    if (kept != NULL)
        memcpy(kept, wire.at, wire.size);
    wire.at = kept;
    if (kept == NULL || to == NULL || !list_push(to->value.list, to_end, list_element(wire))) {
        if (is_new && to != NULL && keys_find(to_name, &place) != NULL)
            keys_remove(&place, to);
        reply_no_memory();
    } else {
        struct bytes push[] = {{(const uint8_t *)pushes[to_end], 5}, to_name, list_element(wire)};
        struct bytes pop[] = {{(const uint8_t *)pops[from_end], 4}, from_name};
        keys_find(to_name, &place);
        command_changed_as(push, COUNT_OF(push));
        keys_find(from_name, &place);
        command_changed_as(pop, COUNT_OF(pop));
        list_drop(from->value.list, from_end);
        if (from->value.list->elements == 0)
            keys_remove(&place, from);
        reply_raw(wire);
    }
    if (kept != NULL)
        heap_give(kept);
}

static bool read_end(const struct request *request, uint32_t word, enum list_end *end) {
    *end = word_at_is(request, word, "right") ? LIST_LAST : LIST_FIRST;
    return *end == LIST_LAST || word_at_is(request, word, "left");
}

void command_lmove(const struct request *request) {
    enum list_end from_end, to_end;
    if (read_end(request, 3, &from_end) && read_end(request, 4, &to_end))
        move(request, from_end, to_end);
    else
        reply_syntax_error();
}

void command_rpoplpush(const struct request *request) {
    move(request, LIST_LAST, LIST_FIRST);
}
