// Sorted sets: members by rank and by score.
#include "servers/kv/command.h"

// The members of ranks `first` to before `end`, from either end.
struct range {
    uint64_t first, end;
};

struct range_options {
    bool by_score, from_last, with_scores, limited;
    int64_t limit_offset, limit_count;
};

static void reply_range(const struct zset *zset, struct range range, const struct range_options *options) {
    uint64_t count = range.end - range.first;
    reply_list(count * (1 + options->with_scores));
    if (count == 0)
        return;
    const struct zset_node *node = zset_at(zset, options->from_last ? range.end - 1 : range.first);
    for (; count > 0; count--) {
        reply_string(zset_name(node));
        if (options->with_scores)
            reply_real(node->score);
        node = options->from_last ? zset_before(node) : zset_next(node);
    }
}

// Indices may count from the end; they are ranks from the end that options->from_last says.
static struct range range_of_indices(uint64_t members, int64_t from, int64_t to, bool from_last) {
    int64_t count = (int64_t)members;
    from = from < 0 ? from + count : from;
    to = to < 0 ? to + count : to;
    from = from < 0 ? 0 : from;
    to = to >= count ? count - 1 : to;
    if (from > to)
        return (struct range){0, 0};
    if (from_last)
        return (struct range){(uint64_t)(count - 1 - to), (uint64_t)(count - from)};
    return (struct range){(uint64_t)from, (uint64_t)to + 1};
}

struct score_limit {
    real score;
    bool excluded;
};

static bool read_limit(struct bytes word, struct score_limit *limit) {
    limit->excluded = word.size > 0 && word.at[0] == '(';
    if (limit->excluded)
        word = (struct bytes){word.at + 1, word.size - 1};
    return real_parse(word, &limit->score);
}

static bool read_limits(const struct request *request, uint32_t least, uint32_t most, struct score_limit limits[2]) {
    if (read_limit(request->words[least], &limits[0]) && read_limit(request->words[most], &limits[1]))
        return true;
    reply_error("ERR min or max is not a float");
    return false;
}

static struct range range_of_scores(const struct zset *zset, const struct score_limit limits[2]) {
    struct range range = {zset_count_below(zset, limits[0].score, limits[0].excluded),
                          zset_count_below(zset, limits[1].score, !limits[1].excluded)};
    if (range.first > range.end)
        range.end = range.first;
    return range;
}

// Leaves out what LIMIT says, counted from the end that the range is replied from.
static struct range cut_range(struct range range, const struct range_options *options) {
    uint64_t count = range.end - range.first, offset = (uint64_t)options->limit_offset;
    if (!options->limited)
        return range;
    if (options->limit_offset < 0 || offset >= count)
        return (struct range){range.first, range.first};
    uint64_t kept = count - offset;
    if (options->limit_count >= 0 && (uint64_t)options->limit_count < kept)
        kept = (uint64_t)options->limit_count;
    if (options->from_last)
        return (struct range){range.end - offset - kept, range.end - offset};
    return (struct range){range.first + offset, range.first + offset + kept};
}

// Reads what may follow both ends; `general`: as in ZRANGE, where words say by what and from where.
static bool read_options(const struct request *request, bool general, struct range_options *options) {
    for (uint32_t i = 4; i < request->count; i++) {
        if (word_at_is(request, i, "withscores")) {
            options->with_scores = true;
        } else if (word_at_is(request, i, "limit") && i + 2 < request->count && (general || options->by_score)) {
            options->limited = true;
            if (!integer_word(request, i + 1, &options->limit_offset) ||
                !integer_word(request, i + 2, &options->limit_count))
                return false;
            i += 2;
        } else if (general && word_at_is(request, i, "byscore")) {
            options->by_score = true;
        } else if (general && word_at_is(request, i, "rev")) {
            options->from_last = true;
        } else {
            reply_syntax_error();
            return false;
        }
    }
    if (!options->limited || options->by_score || options->limit_count == -1)
        return true;
    reply_error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
}

static void range(const struct request *request, bool general, struct range_options options) {
    struct dict_place place;
    struct entry *entry;
    struct score_limit limits[2];
    int64_t from = 0, to = 0;
    if (!read_options(request, general, &options))
        return;
    if (options.by_score ? !read_limits(request, 2 + options.from_last, 3 - options.from_last, limits)
                         : !integer_word(request, 2, &from) || !integer_word(request, 3, &to))
        return;
    if (!find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    if (entry == NULL) {
        reply_list(0);
        return;
    }
    const struct zset *zset = entry->value.zset;
    struct range found = options.by_score ? cut_range(range_of_scores(zset, limits), &options)
                                          : range_of_indices(zset_members(zset), from, to, options.from_last);
    reply_range(zset, found, &options);
}

void command_zrange(const struct request *request) {
    range(request, true, (struct range_options){0});
}

void command_zrevrange(const struct request *request) {
    range(request, false, (struct range_options){.from_last = true});
}

void command_zrangebyscore(const struct request *request) {
    range(request, false, (struct range_options){.by_score = true});
}

void command_zrevrangebyscore(const struct request *request) {
    range(request, false, (struct range_options){.by_score = true, .from_last = true});
}

void command_zcount(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    struct score_limit limits[2];
    if (!read_limits(request, 2, 3, limits) || !find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    struct range found = entry == NULL ? (struct range){0, 0} : range_of_scores(entry->value.zset, limits);
    reply_integer((int64_t)(found.end - found.first));
}

// Takes the members of a range out, and the key where none is left.
static void remove_range(const struct dict_place *place, struct entry *entry, struct range range) {
    struct zset_node *node = range.first < range.end ? zset_at(entry->value.zset, range.first) : NULL;
    for (uint64_t left = range.end - range.first; left > 0; left--) {
        struct zset_node *next = zset_next(node);
        zset_remove(entry->value.zset, node);
        node = next;
    }
    if (zset_members(entry->value.zset) == 0)
        keys_remove(place, entry);
    if (range.end > range.first)
        command_changed();
}

static void pop(const struct request *request, bool from_last) {
    struct range_options options = {.with_scores = true, .from_last = from_last};
    struct dict_place place;
    struct entry *entry;
    int64_t count = 1;
    if (request->count > 3) {
        reply_syntax_error();
        return;
    }
    if (request->count == 3 && (!parse_i64(request->words[2], &count) || count < 0)) {
        reply_error("ERR value is out of range, must be positive");
        return;
    }
    if (!find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    if (entry == NULL || count == 0) {
        reply_list(0);
        return;
    }
    struct range range = range_of_indices(zset_members(entry->value.zset), 0, count - 1, from_last);
    reply_range(entry->value.zset, range, &options);
    remove_range(&place, entry, range);
}

void command_zpopmin(const struct request *request) {
    pop(request, false);
}

void command_zpopmax(const struct request *request) {
    pop(request, true);
}

static void remove_and_reply(const struct dict_place *place, struct entry *entry, struct range range) {
    reply_integer((int64_t)(range.end - range.first));
    remove_range(place, entry, range);
}

void command_zremrangebyrank(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t from, to;
    if (!integer_word(request, 2, &from) || !integer_word(request, 3, &to) ||
        !find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    if (entry == NULL)
        reply_integer(0);
    else
        remove_and_reply(&place, entry, range_of_indices(zset_members(entry->value.zset), from, to, false));
}

void command_zremrangebyscore(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    struct score_limit limits[2];
    if (!read_limits(request, 2, 3, limits) || !find_of_type(request, 1, TYPE_ZSET, &place, &entry))
        return;
    if (entry == NULL)
        reply_integer(0);
    else
        remove_and_reply(&place, entry, range_of_scores(entry->value.zset, limits));
}
