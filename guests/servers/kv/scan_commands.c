// Going through keys, members and fields a part at a time. Each part is gone through twice, to count and to reply, so that
// no memory is needed.
#include "servers/kv/command.h"

struct scanning {
    bool counting;
    uint64_t count;
    bool all; // no pattern
    struct bytes pattern;
    const char *type; // NULL: any
    enum type table;  // what is gone through; a string stands for the keys
};

static bool is_wanted(const struct scanning *scanning, struct bytes name) {
    return scanning->all || glob_matches(scanning->pattern, name);
}

static void scan_key(const struct entry *entry, struct scanning *scanning) {
    if (deadline_of(entry) <= now_ms || !is_wanted(scanning, entry_name(entry)))
        return;
    if (scanning->type != NULL && strcmp(scanning->type, type_name((enum type)entry->type)) != 0)
        return;
    scanning->count++;
    if (!scanning->counting)
        reply_string(entry_name(entry));
}

static void scan_one(void *object, void *context) {
    struct scanning *scanning = context;
    const struct zset_node *node = object;
    if (scanning->table == TYPE_STRING) {
        scan_key(object, scanning);
        return;
    }
    struct bytes name = scanning->table == TYPE_SET    ? member_name(object)
                        : scanning->table == TYPE_HASH ? entry_name(object)
                                                       : zset_name(node);
    if (!is_wanted(scanning, name))
        return;
    scanning->count += scanning->table == TYPE_SET ? 1 : 2;
    if (scanning->counting)
        return;
    reply_string(name);
    if (scanning->table == TYPE_HASH)
        reply_string(entry_string(object));
    else if (scanning->table == TYPE_ZSET)
        reply_real(node->score);
}

static bool read_scan(const struct request *request, uint32_t from, struct scanning *scanning, int64_t *steps) {
    *steps = 10;
    scanning->all = true;
    scanning->type = NULL;
    for (uint32_t i = from; i < request->count; i += 2) {
        bool last = i + 1 == request->count;
        if (!last && word_at_is(request, i, "count")) {
            if (!integer_word(request, i + 1, steps))
                return false;
            if (*steps < 1) {
                reply_syntax_error();
                return false;
            }
        } else if (!last && word_at_is(request, i, "match")) {
            scanning->pattern = request->words[i + 1];
            scanning->all = bytes_equal(scanning->pattern, TEXT("*"));
        } else if (!last && scanning->table == TYPE_STRING && word_at_is(request, i, "type")) {
            scanning->type = "unknown";
            for (int type = 0; type < TYPES; type++)
                if (word_at_is(request, i + 1, type_name((enum type)type)))
                    scanning->type = type_name((enum type)type);
        } else {
            reply_syntax_error();
            return false;
        }
    }
    return true;
}

// Goes on from a cursor by about `steps` entries, through at most STEPS_MAX of them.
static uint64_t scan_part(const struct dict *dict, uint64_t cursor, int64_t steps, struct scanning *scanning) {
    enum { ENTRIES_PER_BUCKET = 5, STEPS_MAX = 100000 };
    steps = steps > STEPS_MAX ? STEPS_MAX : steps;
    scanning->count = 0;
    do {
        cursor = dict_scan(dict, cursor, scan_one, scanning);
        steps -= ENTRIES_PER_BUCKET;
    } while (steps > 0 && cursor != 0);
    return cursor;
}

static void scan(const struct dict *dict, uint64_t cursor, int64_t steps, struct scanning *scanning) {
    uint8_t text[I64_TEXT_MAX];
    scanning->counting = true;
    uint64_t next = scan_part(dict, cursor, steps, scanning);
    reply_list(2);
    reply_string((struct bytes){text, print_u64(text, next)});
    reply_list(scanning->count);
    scanning->counting = false;
    scan_part(dict, cursor, steps, scanning);
}

// A number that may have a sign and zeros before it.
static bool read_cursor(const struct request *request, uint32_t word, uint64_t *cursor) {
    struct bytes text = request->words[word];
    bool negative = text.size > 0 && text.at[0] == '-';
    if (negative || (text.size > 0 && text.at[0] == '+'))
        text = (struct bytes){text.at + 1, text.size - 1};
    while (text.size > 1 && text.at[0] == '0')
        text = (struct bytes){text.at + 1, text.size - 1};
    if (!parse_u64(text, cursor)) {
        reply_error("ERR invalid cursor");
        return false;
    }
    if (negative)
        *cursor = 0 - *cursor;
    return true;
}

void command_scan(const struct request *request) {
    struct scanning scanning = {.table = TYPE_STRING};
    uint64_t cursor;
    int64_t steps;
    if (read_cursor(request, 1, &cursor) && read_scan(request, 2, &scanning, &steps))
        scan(&keys, cursor, steps, &scanning);
}

static void scan_value(const struct request *request, enum type type) {
    struct scanning scanning = {.table = type};
    struct dict_place place;
    struct entry *entry;
    uint64_t cursor;
    int64_t steps;
    if (!read_cursor(request, 2, &cursor) || !find_of_type(request, 1, type, &place, &entry))
        return;
    if (entry == NULL) {
        REPLY("*2\r\n$1\r\n0\r\n*0");
        return;
    }
    if (read_scan(request, 3, &scanning, &steps))
        scan(type == TYPE_ZSET ? &entry->value.zset->members : entry->value.table, cursor, steps, &scanning);
}

void command_sscan(const struct request *request) {
    scan_value(request, TYPE_SET);
}

void command_hscan(const struct request *request) {
    scan_value(request, TYPE_HASH);
}

void command_zscan(const struct request *request) {
    scan_value(request, TYPE_ZSET);
}

void command_keys(const struct request *request) {
    struct scanning scanning = {.table = TYPE_STRING, .counting = true, .pattern = request->words[1]};
    scanning.all = bytes_equal(scanning.pattern, TEXT("*"));
    dict_each(&keys, scan_one, &scanning);
    reply_list(scanning.count);
    scanning.counting = false;
    dict_each(&keys, scan_one, &scanning);
}
