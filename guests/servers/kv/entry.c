#include "servers/kv/entry.h"

#include "servers/kv/deadlines.h"
#include "servers/kv/heap.h"
#include "servers/kv/value.h"

enum { BEHIND_NAME_MAX = 128 };

struct entry *entry_new(struct bytes name, enum type type, size_t room) {
    size_t size = sizeof(struct entry) + name.size;
    struct entry *entry = heap_take(size + room);
    if (entry == NULL)
        return NULL;
    size_t all = room == 0 ? 0 : heap_room(entry) - size;
    *entry = (struct entry){.common.name_size = (uint32_t)name.size,
                            .type = (uint8_t)type,
                            .room = (uint16_t)(all > UINT16_MAX ? UINT16_MAX : all)};
    copy_bytes(entry->name, name.at, name.size);
    return entry;
}

// Gives back what is not in the entry itself.
static void drop_value(struct entry *entry) {
    if (entry->type != TYPE_STRING || entry->apart)
        value_free(entry);
    entry->type = TYPE_STRING;
    entry->apart = false;
}

// Puts another entry with the same name, deadline and marks in the place of this one, which loses its value.
static struct entry *move_entry(const struct dict_place *place, struct entry *entry, size_t room) {
    struct entry *moved = entry_new(entry_name(entry), TYPE_STRING, room);
    if (moved == NULL)
        return NULL;
    moved->deadline = entry->deadline;
    moved->written = entry->written;
    dict_replace(place, moved);
    deadline_moved(moved);
    return moved;
}

static struct entry *set_behind_name(struct dict *dict, struct dict_place *place, struct entry *entry,
                                     struct bytes name, struct bytes string) {
    if (entry == NULL) {
        entry = entry_new(name, TYPE_STRING, string.size);
        if (entry == NULL)
            return NULL;
        if (!dict_insert(dict, place->hash, entry)) {
            heap_give(entry);
            return NULL;
        }
    } else if (entry->room < string.size) {
        struct entry *moved = move_entry(place, entry, string.size);
        if (moved == NULL)
            return NULL;
        drop_value(entry);
        heap_give(entry);
        entry = moved;
    } else if (entry->apart || entry->type != TYPE_STRING) {
        drop_value(entry);
    }
    copy_bytes(entry->name + entry->common.name_size, string.at, string.size);
    entry->size = (uint32_t)string.size;
    return entry;
}

struct entry *entry_set_string(struct dict *dict, struct dict_place *place, struct entry *entry, struct bytes name,
                               struct bytes string) {
    if (string.size <= BEHIND_NAME_MAX)
        return set_behind_name(dict, place, entry, name, string);
    uint8_t *apart = heap_take(string.size);
    if (apart == NULL)
        return NULL;
    if (entry == NULL) {
        entry = entry_new(name, TYPE_STRING, 0);
        if (entry == NULL || !dict_insert(dict, place->hash, entry)) {
            if (entry != NULL)
                heap_give(entry);
            heap_give(apart);
            return NULL;
        }
    } else {
        drop_value(entry);
    }
    memcpy(apart, string.at, string.size);
    entry->value.string = apart;
    entry->apart = true;
    entry->size = (uint32_t)string.size;
    return entry;
}

static struct entry *put_apart(struct entry *entry, size_t size) {
    uint8_t *apart = heap_take(size);
    if (apart == NULL)
        return NULL;
    copy_bytes(apart, entry_string(entry).at, entry->size);
    entry->value.string = apart;
    entry->apart = true;
    return entry;
}

struct entry *entry_resize_string(const struct dict_place *place, struct entry *entry, size_t size) {
    size_t ahead = size < 1 << 20 ? size * 2 : size + (1 << 20);
    if (entry->apart) {
        if (size > heap_room(entry->value.string)) {
            uint8_t *moved = heap_resize(entry->value.string, ahead);
            if (moved == NULL)
                return NULL;
            entry->value.string = moved;
        }
    } else if (size > entry->room && size <= BEHIND_NAME_MAX) {
        struct entry *moved = move_entry(place, entry, size);
        if (moved == NULL)
            return NULL;
        copy_bytes(entry_string_bytes(moved), entry_string(entry).at, entry->size);
        moved->size = entry->size;
        heap_give(entry);
        entry = moved;
    } else if (size > entry->room && put_apart(entry, ahead) == NULL) {
        return NULL;
    }
    if (size > entry->size)
        memset(entry_string_bytes(entry) + entry->size, 0, size - entry->size);
    entry->size = (uint32_t)size;
    return entry;
}
