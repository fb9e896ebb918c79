// Sorted sets: single members.
#include "servers/kv/command.h"
#include "servers/kv/heap.h"

struct add_options {
    bool if_absent, if_present, if_greater, if_less, count_changed, increment;
};

enum add_result { ADD_NOTHING, ADD_NEW, ADD_MOVED, ADD_SAME, ADD_NAN, ADD_NO_MEMORY };

static enum add_result add_one(struct zset *zset, struct bytes name, real *score, const struct add_options *options) {
    struct dict_place place;
    struct zset_node *node = zset_find(zset, name, &place);
    if (node == NULL) {
        if (options->if_present)
            return ADD_NOTHING;
        return zset_add(zset, &place, name, *score) ? ADD_NEW : ADD_NO_MEMORY;
    }
    if (options->if_absent)
        return ADD_NOTHING;
    if (options->increment)
        *score = real_add(node->score, *score);
    if (real_is_nan(*score))
        return ADD_NAN;
    int64_t old_order = real_order(node->score), new_order = real_order(*score);
    if ((options->if_less && new_order >= old_order) || (options->if_greater && new_order <= old_order))
        return ADD_NOTHING;
    if (old_order == new_order)
        return ADD_SAME;
    zset_move(zset, node, *score);
    return ADD_MOVED;
}

// Reads the options, and returns the first word behind them.
static uint32_t read_options(const struct request *request, struct add_options *options) {
    static const char *const names[] = {"nx", "xx", "gt", "lt", "ch", "incr"};
    bool *const flags[] = {&options->if_absent, &options->if_present,    &options->if_greater,
                           &options->if_less,   &options->count_changed, &options->increment};
    *options = (struct add_options){0};
    for (uint32_t word = 2; word < request->count; word++) {
        size_t i = 0;
        while (i < COUNT_OF(names) && !word_at_is(request, word, names[i]))
            i++;
        if (i == COUNT_OF(names))
            return word;
        *flags[i] = true;
    }
    return request->count;
}

static bool options_fit(const struct request *request, uint32_t first, const struct add_options *options) {
    uint32_t left = request->count - first;
    if (left == 0 || left % 2 != 0) {
        reply_syntax_error();
    } else if (options->if_absent && options->if_present) {
        reply_error("ERR XX and NX options at the same time are not compatible");
    } else if (options->if_greater + options->if_less + options->if_absent > 1) {
        reply_error("ERR GT, LT, and/or NX options at the same time are not compatible");
    } else if (options->increment && left > 2) {
        reply_error("ERR INCR option supports a single increment-element pair");
    } else {
        return true;
    }
    return false;
}

static void remove_if_empty(const struct request *request, struct entry *entry) {
    struct dict_place place;
    if (zset_members(entry->value.zset) == 0 && keys_find(request->words[1], &place) != NULL)
        keys_remove(&place, entry);
}

struct added {
    int64_t new, changed;
    bool done;  // the last one was not left out
    real score; // the last one's
};

// Adds all pairs from a word on; false with a reply.
static bool add_pairs(const struct request *request, uint32_t first, struct entry *entry,
                      const struct add_options *options, struct added *added) {
    *added = (struct added){0};
    for (uint32_t i = first; i < request->count; i += 2) {
        real_parse(request->words[i], &added->score);
        enum add_result result = add_one(entry->value.zset, request->words[i + 1], &added->score, options);
        if (result == ADD_NAN) {
            reply_error("ERR resulting score is not a number (NaN)");
            return false;
        }
        if (result == ADD_NO_MEMORY) {
            remove_if_empty(request, entry);
            command_cut_short(request, i, added->new + added->changed > 0);
            return false;
        }
        added->new += result == ADD_NEW;
        added->changed += result == ADD_MOVED;
        added->done = result != ADD_NOTHING;
    }
    return true;
}

static void add(const struct request *request, uint32_t first, const struct add_options *options) {
    struct dict_place place;
    struct entry *entry;
    struct added added = {0};
    real score;
    for (uint32_t i = first; i < request->count; i += 2)
        if (!real_word(request, i, &score))
            return;
    if (!find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    if (entry == NULL && !options->if_present && (entry = keys_add(&place, request->words[1], TYPE_ZSET)) == NULL) {
        reply_no_memory();
        return;
    }
    if (entry != NULL && !add_pairs(request, first, entry, options, &added))
        return;
    if (added.new + added.changed > 0)
        command_changed();
    if (!options->increment)
        reply_integer(added.new + (options->count_changed ? added.changed : 0));
    else if (added.done)
        reply_real(added.score);
    else
        reply_null();
}

void command_zadd(const struct request *request) {
    struct add_options options;
    uint32_t first = read_options(request, &options);
    if (options_fit(request, first, &options))
        add(request, first, &options);
}

void command_zincrby(const struct request *request) {
    struct add_options options = {.increment = true};
    add(request, 2, &options);
}

void command_zrem(const struct request *request) {
    struct dict_place place, member_place;
    struct entry *entry;
    int64_t count = 0;
    if (!find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    for (uint32_t i = 2; i < request->count && entry != NULL; i++) {
        struct zset_node *node = zset_find(entry->value.zset, request->words[i], &member_place);
        if (node == NULL)
            continue;
        zset_remove(entry->value.zset, node);
        count++;
        if (zset_members(entry->value.zset) == 0) {
            keys_remove(&place, entry);
            entry = NULL;
        }
    }
    if (count > 0)
        command_changed();
    reply_integer(count);
}

void command_zcard(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        reply_integer(entry == NULL ? 0 : (int64_t)zset_members(entry->value.zset));
}

static struct zset_node *node_of(const struct entry *entry, struct bytes name) {
    struct dict_place place;
    return entry == NULL ? NULL : zset_find(entry->value.zset, name, &place);
}

static void reply_score(const struct zset_node *node) {
    if (node == NULL)
        reply_null();
    else
        reply_real(node->score);
}

void command_zscore(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        reply_score(node_of(entry, request->words[2]));
}

void command_zmscore(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    reply_list(request->count - 2);
    for (uint32_t i = 2; i < request->count; i++)
        reply_score(node_of(entry, request->words[i]));
}

static void reply_rank(const struct request *request, bool from_last) {
    struct dict_place place;
    struct entry *entry;
    if (!find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    const struct zset_node *node = node_of(entry, request->words[2]);
    if (node == NULL) {
        reply_null();
        return;
    }
    uint64_t rank = zset_rank(entry->value.zset, node);
    reply_integer((int64_t)(from_last ? zset_members(entry->value.zset) - 1 - rank : rank));
}

void command_zrank(const struct request *request) {
    reply_rank(request, false);
}

void command_zrevrank(const struct request *request) {
    reply_rank(request, true);
}
