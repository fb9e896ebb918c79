#include "servers/kv/command.h"

#include "servers/kv/heap.h"
#include "servers/kv/log.h"
#include "servers/kv/record.h"
#include "servers/kv/server.h"

#define COMMAND(name, arity, flags, first, last, step) {#name, command_##name, arity, flags, first, last, step},
const struct command command_table[] = {
#include "servers/kv/command_list.h"
};
#undef COMMAND

const size_t command_table_size = COUNT_OF(command_table);

enum { INDEX_LOG = 9, INDEX_SIZE = 1 << INDEX_LOG };

// A name as two words with every letter's bit 0x20 set. Names have no other bytes than letters, and no other byte but a
// letter's two cases becomes that letter; the size tells a name from one that is followed by spaces or zeros.
struct key {
    uint64_t first, last;
    size_t size;
};

static struct indexed {
    struct key key;
    const struct command *command;
} command_index[INDEX_SIZE];

static bool changed, noted;

static inline struct key key_of(struct bytes name) {
    uint8_t text[COMMAND_NAME_MAX] = {0};
    copy_bytes(text, name.at, name.size < sizeof text ? name.size : sizeof text);
    return (struct key){load_u64(text) | 0x2020202020202020u, load_u64(text + 8) | 0x2020202020202020u, name.size};
}

static inline uint32_t index_of(struct key key) {
    return (uint32_t)(((key.first ^ key.last >> 7) * 0x9e3779b97f4a7c15u) >> (64 - INDEX_LOG));
}

void commands_init(void) {
    for (size_t i = 0; i < command_table_size; i++) {
        const struct command *command = &command_table[i];
        struct key key = key_of((struct bytes){(const uint8_t *)command->name, strlen(command->name)});
        uint32_t at = index_of(key);
        while (command_index[at].command != NULL)
            at = (at + 1) % INDEX_SIZE;
        command_index[at] = (struct indexed){key, command};
    }
}

const struct command *command_find(struct bytes name) {
    if (name.size > COMMAND_NAME_MAX)
        return NULL;
    struct key key = key_of(name);
    for (uint32_t at = index_of(key); command_index[at].command != NULL; at = (at + 1) % INDEX_SIZE) {
        const struct key *other = &command_index[at].key;
        if (other->first == key.first && other->last == key.last && other->size == key.size)
            return command_index[at].command;
    }
    return NULL;
}

static void reply_unknown(const struct request *request) {
    enum { ARGUMENTS_MAX = 128 };
    char text[ARGUMENTS_MAX + 8] = "";
    size_t used = 0;
    for (uint32_t i = 1; i < request->count && used < ARGUMENTS_MAX; i++) {
        size_t size = request->words[i].size, left = ARGUMENTS_MAX - used;
        used += format_text(text + used, sizeof text - used, "'%.*s' ", (int)(size < left ? size : left),
                            request->words[i].at);
    }
    struct bytes name = request->words[0];
    reply_error("ERR unknown command '%.*s', with args beginning with: %s", (int)(name.size < 128 ? name.size : 128),
                name.at, text);
}

void reply_wrong_arity(const struct request *request) {
    reply_error("ERR wrong number of arguments for '%s' command", request->command->name);
}

static bool arity_fits(uint32_t words, int arity) {
    return arity < 0 ? words >= (uint32_t)-arity : words == (uint32_t)arity;
}

bool is_subcommand(const struct request *request, const char *lower, int arity) {
    return word_at_is(request, 1, lower) && arity_fits(request->count, arity);
}

void reply_no_subcommand(const struct request *request, const char *const *names, size_t count) {
    enum { SHOWN_MAX = 128 };
    struct bytes name = request->words[1];
    for (size_t i = 0; i < count; i++)
        if (word_at_is(request, 1, names[i])) {
            reply_error("ERR wrong number of arguments for '%s|%s' command", request->command->name, names[i]);
            return;
        }
    char upper[COMMAND_NAME_MAX + 1];
    size_t size = 0;
    for (; request->command->name[size] != '\0'; size++)
        upper[size] = (char)(request->command->name[size] & ~0x20);
    upper[size] = '\0';
    reply_error("ERR unknown subcommand '%.*s'. Try %s HELP.", (int)(name.size < SHOWN_MAX ? name.size : SHOWN_MAX),
                name.at, upper);
}

static bool memory_is_short(void) {
    if (heap_used() <= server.memory_max)
        return false;
    value_free_more(true);
    return heap_used() > server.memory_max;
}

// As a request, and as one for each of its keys, any of which may have expired besides.
static size_t noted_bytes(const struct request *request) {
    const struct command *command = request->command;
    size_t bytes = log_words_bytes(request->words, request->count);
    uint32_t last = command->last_key < 0 ? request->count - 1 : (uint32_t)command->last_key;
    for (uint32_t i = (uint32_t)command->first_key; i != 0 && i <= last; i += (uint32_t)command->key_step) {
        struct bytes words[] = {TEXT("PEXPIREAT"), request->words[i]};
        bytes += log_words_bytes(words, COUNT_OF(words));
    }
    return bytes;
}

static bool may_write(const struct request *request) {
    bool takes_memory = request->command->flags & COMMAND_TAKES_MEMORY;
    if (takes_memory && !log_reading && memory_is_short()) {
        reply_no_memory();
        return false;
    }
    if (log_on && !log_make_room(noted_bytes(request), !takes_memory)) {
        reply_log_full();
        return false;
    }
    return true;
}

void command_run(struct request *request) {
    const struct command *command = command_find(request->words[0]);
    request->command = command;
    server.commands++;
    if (command == NULL) {
        reply_unknown(request);
        return;
    }
    if (!arity_fits(request->count, command->arity)) {
        reply_wrong_arity(request);
        return;
    }
    if (!(command->flags & COMMAND_WRITES)) {
        command->run(request);
        return;
    }
    if (!may_write(request))
        return;
    changed = noted = false;
    command->run(request);
    if (!changed || noted || !log_on)
        return;
    if (request->is_line)
        log_words(request->words, request->count);
    else
        log_request(request->raw);
}

void command_changed(void) {
    changed = true;
}

void command_changed_as(const struct bytes *words, size_t count) {
    changed = noted = true;
    if (log_on)
        log_words(words, count);
}

void command_cut_short(const struct request *request, uint32_t words, bool has_changed) {
    if (has_changed)
        command_changed_as(request->words, words);
    reply_no_memory();
}

struct entry *find_any(const struct request *request, uint32_t word, struct dict_place *place) {
    struct entry *entry = keys_find(request->words[word], place);
    if (request->command->flags & COMMAND_READS) {
        server.hits += entry != NULL;
        server.misses += entry == NULL;
    }
    return entry;
}

bool find_of_type(const struct request *request, uint32_t word, enum type type, struct dict_place *place,
                  struct entry **entry) {
    *entry = find_any(request, word, place);
    if (*entry == NULL || (*entry)->type == type)
        return true;
    reply_wrong_type();
    return false;
}

bool integer_word(const struct request *request, uint32_t word, int64_t *number) {
    if (parse_i64(request->words[word], number))
        return true;
    reply_not_an_integer();
    return false;
}

bool real_word(const struct request *request, uint32_t word, real *number) {
    if (real_parse(request->words[word], number))
        return true;
    reply_error("ERR value is not a valid float");
    return false;
}
