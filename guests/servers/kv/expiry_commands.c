#include "servers/kv/expiry.h"

enum { MS_PER_S = 1000, OPTION_SHOWN_MAX = 300 };

bool expiry_unit(struct bytes word, struct expiry_unit *unit) {
    static const struct expiry_unit units[] = {
        {"ex", true, false}, {"px", false, false}, {"exat", true, true}, {"pxat", false, true}};
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (bytes_are(word, units[i].name)) {
            if (unit != NULL)
                *unit = units[i];
            return true;
        }
    return false;
}

// False where the time is beyond what 63 bits hold.
static bool reckon(int64_t number, struct expiry_unit unit, int64_t *deadline_ms) {
    if (unit.seconds && __builtin_mul_overflow(number, MS_PER_S, &number))
        return false;
    if (!unit.absolute && __builtin_add_overflow(number, now_ms, &number))
        return false;
    *deadline_ms = number;
    return number != NO_DEADLINE;
}

static void reply_invalid(const struct request *request) {
    reply_error("ERR invalid expire time in '%s' command", request->command->name);
}

bool expiry_word(const struct request *request, struct bytes unit_word, uint32_t at, int64_t *deadline_ms) {
    struct expiry_unit unit;
    int64_t number;
    expiry_unit(unit_word, &unit);
    if (!integer_word(request, at, &number))
        return false;
    if (number > 0 && reckon(number, unit, deadline_ms))
        return true;
    reply_invalid(request);
    return false;
}

static void expire_now(const struct dict_place *place, struct entry *entry, struct bytes name) {
    struct bytes words[] = {TEXT("DEL"), name};
    keys_remove(place, entry);
    command_changed_as(words, COUNT_OF(words));
}

void expiry_set(const struct dict_place *place, struct entry *entry, struct bytes name, int64_t deadline_ms) {
    uint8_t text[I64_TEXT_MAX];
    struct bytes words[] = {TEXT("PEXPIREAT"), name, {text, print_i64(text, deadline_ms)}};
    if (deadline_ms <= now_ms && keys_expire) {
        expire_now(place, entry, name);
        return;
    }
    deadline_set(entry, deadline_ms);
    command_changed_as(words, COUNT_OF(words));
}

void expiry_clear(struct entry *entry) {
    struct bytes words[] = {TEXT("PERSIST"), entry_name(entry)};
    deadline_clear(entry);
    command_changed_as(words, COUNT_OF(words));
}

struct conditions {
    bool if_none, if_any, if_later, if_earlier;
};

static bool read_conditions(const struct request *request, struct conditions *conditions) {
    *conditions = (struct conditions){0};
    for (uint32_t i = 3; i < request->count; i++) {
        if (word_at_is(request, i, "nx")) {
            conditions->if_none = true;
        } else if (word_at_is(request, i, "xx")) {
            conditions->if_any = true;
        } else if (word_at_is(request, i, "gt")) {
            conditions->if_later = true;
        } else if (word_at_is(request, i, "lt")) {
            conditions->if_earlier = true;
        } else {
            struct bytes word = request->words[i];
            reply_error("ERR Unsupported option %.*s",
                        (int)(word.size < OPTION_SHOWN_MAX ? word.size : OPTION_SHOWN_MAX), word.at);
            return false;
        }
    }
    if (conditions->if_none && (conditions->if_any || conditions->if_later || conditions->if_earlier)) {
        reply_error("ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if (conditions->if_later && conditions->if_earlier) {
        reply_error("ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

// A key without a deadline counts as one that lasts for ever.
static bool holds(struct conditions conditions, int64_t old_ms, int64_t new_ms) {
    if (conditions.if_none && old_ms != NO_DEADLINE)
        return false;
    if (conditions.if_any && old_ms == NO_DEADLINE)
        return false;
    if (conditions.if_later && new_ms <= old_ms)
        return false;
    return !(conditions.if_earlier && new_ms >= old_ms);
}

static void set_deadline(const struct request *request, struct expiry_unit unit) {
    struct conditions conditions;
    struct dict_place place;
    int64_t number, deadline_ms;
    if (!read_conditions(request, &conditions) || !integer_word(request, 2, &number))
        return;
    if (!reckon(number, unit, &deadline_ms)) {
        reply_invalid(request);
        return;
    }
    struct entry *entry = find_any(request, 1, &place);
    if (entry == NULL || !holds(conditions, deadline_of(entry), deadline_ms)) {
        reply_integer(0);
        return;
    }
    if (entry->deadline == 0 && !deadline_reserve()) {
        reply_no_memory();
        return;
    }
    expiry_set(&place, entry, request->words[1], deadline_ms);
    reply_integer(1);
}

void command_expire(const struct request *request) {
    set_deadline(request, (struct expiry_unit){.seconds = true});
}

void command_pexpire(const struct request *request) {
    set_deadline(request, (struct expiry_unit){.seconds = false});
}

void command_expireat(const struct request *request) {
    set_deadline(request, (struct expiry_unit){.seconds = true, .absolute = true});
}

void command_pexpireat(const struct request *request) {
    set_deadline(request, (struct expiry_unit){.absolute = true});
}

void command_persist(const struct request *request) {
    struct dict_place place;
    struct entry *entry = find_any(request, 1, &place);
    bool has = entry != NULL && entry->deadline != 0;
    if (has)
        expiry_clear(entry);
    reply_integer(has);
}

static void reply_deadline(const struct request *request, bool seconds, bool absolute) {
    struct dict_place place;
    struct entry *entry = find_any(request, 1, &place);
    if (entry == NULL || entry->deadline == 0) {
        reply_integer(entry == NULL ? -2 : -1);
        return;
    }
    int64_t time_ms = deadline_of(entry) - (absolute ? 0 : now_ms);
    reply_integer(seconds ? (time_ms + MS_PER_S / 2) / MS_PER_S : time_ms);
}

void command_ttl(const struct request *request) {
    reply_deadline(request, true, false);
}

void command_pttl(const struct request *request) {
    reply_deadline(request, false, false);
}

void command_expiretime(const struct request *request) {
    reply_deadline(request, true, true);
}

void command_pexpiretime(const struct request *request) {
    reply_deadline(request, false, true);
}
