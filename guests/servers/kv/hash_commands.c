#include "servers/kv/command.h"
#include "servers/kv/heap.h"

static struct entry *field_of(const struct entry *entry, struct bytes name) {
    struct dict_place place;
    return entry == NULL ? NULL : dict_find(entry->value.table, name, &place);
}

static bool set_field(struct entry *entry, struct bytes name, struct bytes string, bool *added) {
    struct dict_place place;
    struct entry *field = dict_find(entry->value.table, name, &place);
    *added = field == NULL;
    return entry_set_string(entry->value.table, &place, field, name, string) != NULL;
}

// The key of the request's first word, made where it is not there; NULL with a reply.
static struct entry *find_or_add(const struct request *request, bool *is_new) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_HASH, &place, &entry))
        return NULL;
    *is_new = entry == NULL;
    if (*is_new && (entry = keys_add(&place, request->words[1], TYPE_HASH)) == NULL)
        reply_no_memory();
    return entry;
}

static void remove_if_empty(const struct request *request, struct entry *entry) {
    struct dict_place place;
    if (entry->value.table->entries == 0 && keys_find(request->words[1], &place) != NULL)
        keys_remove(&place, entry);
}

static bool set_fields(const struct request *request, int64_t *count) {
    bool is_new, added;
    if (request->count % 2 != 0) {
        reply_wrong_arity(request);
        return false;
    }
    struct entry *entry = find_or_add(request, &is_new);
    if (entry == NULL)
        return false;
    *count = 0;
    for (uint32_t i = 2; i < request->count; i += 2) {
        if (!set_field(entry, request->words[i], request->words[i + 1], &added)) {
            remove_if_empty(request, entry);
            command_cut_short(request, i, i > 2);
            return false;
        }
        *count += added;
    }
    command_changed();
    return true;
}

void command_hset(const struct request *request) {
    int64_t count;
    if (set_fields(request, &count))
        reply_integer(count);
}

void command_hmset(const struct request *request) {
    int64_t count;
    if (set_fields(request, &count))
        reply_ok();
}

void command_hsetnx(const struct request *request) {
    bool is_new, added;
    struct entry *entry = find_or_add(request, &is_new);
    if (entry == NULL)
        return;
    if (field_of(entry, request->words[2]) != NULL) {
        reply_integer(0);
    } else if (set_field(entry, request->words[2], request->words[3], &added)) {
        command_changed();
        reply_integer(1);
    } else {
        remove_if_empty(request, entry);
        reply_no_memory();
    }
}

static void reply_field(const struct entry *field) {
    if (field == NULL)
        reply_null();
    else
        reply_string(entry_string(field));
}

void command_hget(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_HASH, &place, &entry))
        reply_field(field_of(entry, request->words[2]));
}

void command_hmget(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_HASH, &place, &entry))
        return;
    reply_list(request->count - 2);
    for (uint32_t i = 2; i < request->count; i++)
        reply_field(field_of(entry, request->words[i]));
}

void command_hdel(const struct request *request) {
    struct dict_place place, field_place;
    struct entry *entry;
    int64_t count = 0;
    if (!find_of_type(request, 1, TYPE_HASH, &place, &entry))
        return;
    for (uint32_t i = 2; i < request->count && entry != NULL; i++) {
        struct entry *field = dict_find(entry->value.table, request->words[i], &field_place);
        if (field == NULL)
            continue;
        dict_remove(entry->value.table, &field_place);
        value_free(field);
        heap_give(field);
        count++;
        if (entry->value.table->entries == 0) {
            keys_remove(&place, entry);
            entry = NULL;
        }
    }
    if (count > 0)
        command_changed();
    reply_integer(count);
}

void command_hexists(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_HASH, &place, &entry))
        reply_integer(field_of(entry, request->words[2]) != NULL);
}

void command_hlen(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_HASH, &place, &entry))
        reply_integer(entry == NULL ? 0 : (int64_t)entry->value.table->entries);
}

void command_hstrlen(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_HASH, &place, &entry))
        return;
    const struct entry *field = field_of(entry, request->words[2]);
    reply_integer(field == NULL ? 0 : (int64_t)field->size);
}

struct parts {
    bool names, strings;
};

static void reply_parts(void *field, void *context) {
    const struct parts *parts = context;
    if (parts->names)
        reply_string(entry_name(field));
    if (parts->strings)
        reply_string(entry_string(field));
}

static void reply_all(const struct request *request, struct parts parts) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_HASH, &place, &entry))
        return;
    uint64_t fields = entry == NULL ? 0 : entry->value.table->entries;
    reply_list(fields * (parts.names + parts.strings));
    if (entry != NULL)
        dict_each(entry->value.table, reply_parts, &parts);
}

void command_hkeys(const struct request *request) {
    reply_all(request, (struct parts){.names = true});
}

void command_hvals(const struct request *request) {
    reply_all(request, (struct parts){.strings = true});
}

void command_hgetall(const struct request *request) {
    reply_all(request, (struct parts){.names = true, .strings = true});
}

void command_hincrby(const struct request *request) {
    bool is_new, added;
    int64_t number = 0, summand;
    uint8_t text[I64_TEXT_MAX];
    if (!integer_word(request, 3, &summand))
        return;
    struct entry *entry = find_or_add(request, &is_new);
    if (entry == NULL)
        return;
    const struct entry *field = field_of(entry, request->words[2]);
    if (field != NULL && !parse_i64(entry_string(field), &number)) {
        reply_error("ERR hash value is not an integer");
    } else if (__builtin_add_overflow(number, summand, &number)) {
        reply_error("ERR increment or decrement would overflow");
    } else if (!set_field(entry, request->words[2], (struct bytes){text, print_i64(text, number)}, &added)) {
        remove_if_empty(request, entry);
        reply_no_memory();
    } else {
        command_changed();
        reply_integer(number);
    }
}
