// Members by chance, and what several sets have in common.
#include "servers/kv/command.h"
#include "servers/kv/hash.h"
#include "servers/kv/heap.h"
#include "servers/kv/log.h"
#include "servers/kv/members.h"

enum { WORDS_BYTES = 128 };

static void add_bytes(void *member, void *context) {
    *(size_t *)context += member_name(member).size;
}

// Whether the log has room for `count` members taken out, whichever they will be; of one it is asked when it is drawn.
static bool log_has_room_for(const struct request *request, const struct dict *set, uint64_t count) {
    size_t bytes = 0;
    if (!log_on || count <= 1)
        return true;
    dict_each(set, add_bytes, &bytes);
    return log_has_room(bytes + count * (WORDS_BYTES + request->words[1].size));
}

// Takes one member out, replies it, `as_list` of one or as it is, and notes it; true where no other can be taken out.
static bool pop_one(const struct dict_place *place, struct entry *entry, bool as_list) {
    struct dict *set = entry->value.table;
    struct member *member = dict_random(set);
    struct dict_place member_place;
    struct bytes words[] = {TEXT("SREM"), entry_name(entry), member_name(member)};
    if (!log_has_room(WORDS_BYTES + words[1].size + words[2].size)) {
        reply_log_full();
        return true;
    }
    if (as_list)
        reply_list(1);
    reply_string(words[2]);
    command_changed_as(words, COUNT_OF(words));
    dict_find(set, words[2], &member_place);
    dict_remove(set, &member_place);
    heap_give(member);
    if (set->entries > 0)
        return false;
    keys_remove(place, entry);
    return true;
}

void command_spop(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t count = 1;
    if (request->count > 3) {
        reply_syntax_error();
        return;
    }
    bool as_list = request->count == 3;
    if (as_list && (!parse_i64(request->words[2], &count) || count < 0)) {
        reply_error("ERR value is out of range, must be positive");
        return;
    }
    if (!find_of_type(request, 1, TYPE_SET, &place, &entry))
        return;
    if (entry == NULL) {
        if (as_list)
            reply_list(0);
        else
            reply_null();
        return;
    }
    uint64_t members = entry->value.table->entries;
    if ((uint64_t)count > members)
        count = (int64_t)members;
    if (!log_has_room_for(request, entry->value.table, (uint64_t)count)) {
        reply_log_full();
        return;
    }
    if (as_list && count != 1)
        reply_list((uint64_t)count);
    bool alone = count == 1 && as_list;
    for (; count > 0; count--)
        if (pop_one(&place, entry, alone))
            break;
}

struct choice {
    uint64_t wanted, left;
};

// Replies each member with the chance that is fair for those wanted among those left.
static void choose(void *member, void *context) {
    struct choice *choice = context;
    uint64_t chance = (uint64_t)(((unsigned __int128)random_u64() * choice->left) >> 64);
    if (chance < choice->wanted) {
        reply_string(member_name(member));
        choice->wanted--;
    }
    choice->left--;
}

void command_srandmember(const struct request *request) {
    struct dict_place place;
    struct entry *entry;
    int64_t count;
    if (request->count > 3) {
        reply_syntax_error();
        return;
    }
    if (request->count == 3 && !integer_word(request, 2, &count))
        return;
    if (request->count == 3 && (count < -INT64_MAX / 2 || count > INT64_MAX / 2)) {
        reply_error("ERR value is out of range");
        return;
    }
    if (!find_of_type(request, 1, TYPE_SET, &place, &entry))
        return;
    if (request->count == 2) {
        if (entry == NULL)
            reply_null();
        else
            reply_string(member_name(dict_random(entry->value.table)));
        return;
    }
    struct choice choice = {0, entry == NULL ? 0 : entry->value.table->entries};
    if (count >= 0) {
        choice.wanted = (uint64_t)count < choice.left ? (uint64_t)count : choice.left;
        reply_list(choice.wanted);
        if (choice.wanted > 0)
            dict_each(entry->value.table, choose, &choice);
        return;
    }
    uint64_t repeats = choice.left == 0 ? 0 : 0 - (uint64_t)count;
    reply_list(repeats);
    for (; repeats > 0 && !reply_is_lost(); repeats--)
        reply_string(member_name(dict_random(entry->value.table)));
}

enum combination { INTERSECTION, UNION, DIFFERENCE };

struct combining {
    enum combination combination;
    const struct request *request;
    uint32_t set; // the word that names the one walked through
    bool counting;
    uint64_t count;
};

static const struct dict *set_at(const struct request *request, uint32_t word) {
    struct dict_place place;
    struct entry *entry = keys_find(request->words[word], &place);
    return entry == NULL ? NULL : entry->value.table;
}

static bool belongs(const struct combining *combining, struct bytes name) {
    uint32_t end = combining->combination == UNION ? combining->set : combining->request->count;
    for (uint32_t i = 1; i < end; i++) {
        if (i == combining->set)
            continue;
        bool has = set_has(set_at(combining->request, i), name);
        if (has != (combining->combination == INTERSECTION))
            return false;
    }
    return true;
}

static void combine_one(void *member, void *context) {
    struct combining *combining = context;
    if (!belongs(combining, member_name(member)))
        return;
    combining->count++;
    if (!combining->counting)
        reply_string(member_name(member));
}

static void combine_all(struct combining *combining) {
    uint32_t end = combining->combination == UNION ? combining->request->count : combining->set + 1;
    uint32_t first = combining->set;
    for (uint32_t i = first; i < end; i++) {
        const struct dict *set = set_at(combining->request, i);
        combining->set = i;
        if (set != NULL)
            dict_each(set, combine_one, combining);
    }
    combining->set = first;
}

// Goes through the sets twice: to count, and to reply.
static void combine(const struct request *request, enum combination combination) {
    struct combining combining = {.combination = combination, .request = request, .set = 1, .counting = true};
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 1; i < request->count; i++) {
        struct dict_place place;
        struct entry *entry;
        if (!find_of_type(request, i, TYPE_SET, &place, &entry))
            return;
        uint64_t members = entry == NULL ? 0 : entry->value.table->entries;
        if (combination == INTERSECTION && members < least) {
            least = members;
            combining.set = i;
        }
    }
    combine_all(&combining);
    reply_list(combining.count);
    combining.counting = false;
    if (combining.count > 0)
        combine_all(&combining);
}

void command_sinter(const struct request *request) {
    combine(request, INTERSECTION);
}

void command_sunion(const struct request *request) {
    combine(request, UNION);
}

void command_sdiff(const struct request *request) {
    combine(request, DIFFERENCE);
}
