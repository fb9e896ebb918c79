#include "servers/kv/keys.h"

#include "servers/kv/heap.h"
#include "servers/kv/log.h"
#include "servers/kv/record.h"

struct dict keys;
int64_t now_ms;
uint64_t keys_expired;
bool keys_expire = true;

void keys_init(void) {
    dict_init(&keys, offsetof(struct entry, name));
}

// Where the log has no room to say so, an expired key stays, but is not found.
static void expire(const struct dict_place *place, struct entry *entry) {
    struct bytes words[] = {TEXT("DEL"), entry_name(entry)};
    if (!log_has_room(log_words_bytes(words, COUNT_OF(words))))
        return;
    log_key_written = entry->written == log_rewriting;
    log_words(words, COUNT_OF(words));
    keys_remove(place, entry);
    keys_expired++;
}

static bool has_expired(const struct entry *entry) {
    return entry->deadline != 0 && deadline_of(entry) <= now_ms && keys_expire;
}

struct entry *keys_find(struct bytes name, struct dict_place *place) {
    struct entry *entry = dict_find(&keys, name, place);
    if (entry != NULL && has_expired(entry)) {
        expire(place, entry);
        entry = NULL;
    }
    log_key_written = entry == NULL || entry->written == log_rewriting;
    return entry;
}

struct entry *keys_add(const struct dict_place *place, struct bytes name, enum type type) {
    struct entry *entry = entry_new(name, type, 0);
    if (entry == NULL)
        return NULL;
    if (!value_make(entry)) {
        heap_give(entry);
        return NULL;
    }
    if (!dict_insert(&keys, place->hash, entry)) {
        value_free(entry);
        heap_give(entry);
        return NULL;
    }
    entry->written = log_rewriting;
    return entry;
}

struct entry *keys_set_string(struct dict_place *place, struct entry *entry, struct bytes name, struct bytes string) {
    struct entry *set = entry_set_string(&keys, place, entry, name, string);
    if (entry == NULL && set != NULL)
        set->written = log_rewriting;
    return set;
}

void keys_remove(const struct dict_place *place, struct entry *entry) {
    deadline_clear(entry);
    dict_remove(&keys, place);
    value_free(entry);
    heap_give(entry);
}

// A copy under another name, which has the value but not the deadline.
static struct entry *take_over(const struct entry *entry, struct bytes name) {
    bool inside = entry->type == TYPE_STRING && !entry->apart;
    struct entry *renamed = entry_new(name, (enum type)entry->type, inside ? entry->size : 0);
    if (renamed == NULL)
        return NULL;
    renamed->apart = entry->apart;
    renamed->size = entry->size;
    renamed->value = entry->value;
    if (inside)
        copy_bytes(renamed->name + name.size, entry_string(entry).at, entry->size);
    return renamed;
}

struct entry *keys_rename(struct entry *entry, struct bytes name) {
    struct dict_place place;
    struct entry *renamed = take_over(entry, name);
    if (renamed == NULL)
        return NULL;
    struct entry *other = keys_find(name, &place);
    if (other != NULL) {
        dict_replace(&place, renamed);
        deadline_clear(other);
        value_free(other);
        heap_give(other);
    } else if (!dict_insert(&keys, place.hash, renamed)) {
        heap_give(renamed);
        return NULL;
    }
    renamed->deadline = entry->deadline;
    deadline_moved(renamed);
    dict_find(&keys, entry_name(entry), &place);
    dict_remove(&keys, &place);
    heap_give(entry);
    return renamed;
}

void keys_clear(void) {
    deadlines_clear();
    struct dict *gone = heap_take(sizeof *gone);
    if (gone != NULL) {
        *gone = keys;
        keys_init();
        value_free_table(gone);
    } else {
        value_free_entries(&keys);
    }
}

uint32_t keys_expire_some(uint32_t limit) {
    uint32_t count = 0;
    for (; count < limit; count++) {
        struct dict_place place;
        struct entry *entry = deadline_first();
        uint32_t before = deadline_count();
        if (entry == NULL || !has_expired(entry))
            break;
        keys_find(entry_name(entry), &place);
        if (deadline_count() == before)
            break;
    }
    return count;
}
