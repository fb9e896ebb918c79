#include "servers/kv/command.h"
#include "servers/kv/heap.h"
#include "servers/kv/members.h"

bool set_add(struct dict *set, struct bytes name, bool *added) {
    struct dict_place place;
    *added = dict_find(set, name, &place) == NULL;
    if (!*added)
        return true;
    struct member *member = heap_take(sizeof *member + name.size);
    if (member == NULL)
        return false;
    member->common.name_size = (uint32_t)name.size;
    copy_bytes(member->name, name.at, name.size);
    if (dict_insert(set, place.hash, member))
        return true;
    heap_give(member);
    return false;
}

bool set_remove(struct dict *set, struct bytes name) {
    struct dict_place place;
    struct member *member = dict_find(set, name, &place);
    if (member == NULL)
        return false;
    dict_remove(set, &place);
    heap_give(member);
    return true;
}

void command_sadd(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t count = 0;
    if (!find_of_type(request, 1, TYPE_SET, &place, &entry))
        return;
    bool is_new = entry == NULL;
    if (is_new && (entry = keys_add(&place, request->words[1], TYPE_SET)) == NULL) {
        reply_no_memory();
        return;
    }
    for (uint32_t i = 2; i < request->count; i++) {
        bool added;
        if (!set_add(entry->value.table, request->words[i], &added)) {
            if (is_new && i == 2 && keys_find(request->words[1], &place) != NULL)
                keys_remove(&place, entry);
            command_cut_short(request, i, count > 0);
            return;
        }
        count += added;
    }
    if (count > 0)
        command_changed();
    reply_integer(count);
}

void command_srem(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t count = 0;
    if (!find_of_type(request, 1, TYPE_SET, &place, &entry))
        return;
    for (uint32_t i = 2; i < request->count && entry != NULL; i++) {
        count += set_remove(entry->value.table, request->words[i]);
        if (entry->value.table->entries == 0) {
            keys_remove(&place, entry);
            entry = NULL;
        }
    }
    if (count > 0)
        command_changed();
    reply_integer(count);
}

void command_scard(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_SET, &place, &entry))
        reply_integer(entry == NULL ? 0 : (int64_t)entry->value.table->entries);
}

bool set_has(const struct dict *set, struct bytes name) {
    struct dict_place place;
    return set != NULL && dict_find(set, name, &place) != NULL;
}

void command_sismember(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_SET, &place, &entry))
        reply_integer(entry != NULL && set_has(entry->value.table, request->words[2]));
}

void command_smismember(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_SET, &place, &entry))
        return;
    reply_list(request->count - 2);
    for (uint32_t i = 2; i < request->count; i++)
        reply_integer(entry != NULL && set_has(entry->value.table, request->words[i]));
}

static void reply_member(void *member, void *context) {
    (void)context;
    reply_string(member_name(member));
}

void command_smembers(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_SET, &place, &entry))
        return;
    reply_list(entry == NULL ? 0 : entry->value.table->entries);
    if (entry != NULL)
        dict_each(entry->value.table, reply_member, NULL);
}

void command_smove(const struct request *request) {
    struct dict_place place;
    struct entry *from, *to;
    bool added;
    if (!find_of_type(request, 1, TYPE_SET, &place, &from))
        return;
    if (from == NULL) {
        reply_integer(0);
        return;
    }
    if (!find_of_type(request, 2, TYPE_SET, &place, &to))
        return;
    if (from == to || !set_has(from->value.table, request->words[3])) {
        reply_integer(set_has(from->value.table, request->words[3]));
        return;
    }
    bool is_new = to == NULL;
    if (is_new)
        to = keys_add(&place, request->words[2], TYPE_SET);
    if (to == NULL || !set_add(to->value.table, request->words[3], &added)) {
        if (is_new && to != NULL && keys_find(request->words[2], &place) != NULL)
            keys_remove(&place, to);
        reply_no_memory();
        return;
    }
    struct bytes add[] = {TEXT("SADD"), request->words[2], request->words[3]};
    struct bytes remove[] = {TEXT("SREM"), request->words[1], request->words[3]};
    keys_find(request->words[2], &place);
    command_changed_as(add, COUNT_OF(add));
    keys_find(request->words[1], &place);
    command_changed_as(remove, COUNT_OF(remove));
    set_remove(from->value.table, request->words[3]);
    if (from->value.table->entries == 0)
        keys_remove(&place, from);
    reply_integer(1);
}
