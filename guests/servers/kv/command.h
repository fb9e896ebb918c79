// The commands: how a request is carried out, and what most of them need.
#ifndef KV_COMMAND_H
#define KV_COMMAND_H

#include "servers/kv/keys.h"
#include "servers/kv/reply.h"
#include "servers/kv/request.h"
#include "servers/kv/text.h"

enum command_flag {
    COMMAND_READS = 1,
    COMMAND_WRITES = 2,
    COMMAND_TAKES_MEMORY = 4, // refused where memory is short
    COMMAND_FAST = 8,         // does not grow with the data
};

struct command {
    const char *name; // in lower case
    void (*run)(const struct request *request);
    int8_t arity; // words, the name included; negative: at least so many
    uint8_t flags;
    int8_t first_key, last_key, key_step; // among the words; 0: none
};

enum { COMMAND_NAME_MAX = 16 };

extern const struct command command_table[];
extern const size_t command_table_size;

// Lays out the table's index.
void commands_init(void);

// NULL where there is none of that name.
const struct command *command_find(struct bytes name);

// Carries out a request, and writes its reply.
void command_run(struct request *request);

// Marks that the request has changed something: the log notes it as it came.
void command_changed(void);

// Marks that the request has changed the key looked up last, and how the log tells it. May be called for each of many keys.
void command_changed_as(const struct bytes *words, size_t count);

// Replies that memory is short, and notes the first `words` of a request where those changed something.
void command_cut_short(const struct request *request, uint32_t words, bool has_changed);

// Finds a key that is to be of a type; false where it is of another, which is replied. *entry: NULL where it is not there.
bool find_of_type(const struct request *request, uint32_t word, enum type type, struct dict_place *place,
                  struct entry **entry);

// As find_of_type(), for any type.
struct entry *find_any(const struct request *request, uint32_t word, struct dict_place *place);

// Reads a word as a number, or replies that it is none.
bool integer_word(const struct request *request, uint32_t word, int64_t *number);
bool real_word(const struct request *request, uint32_t word, real *number);

static inline bool word_at_is(const struct request *request, uint32_t word, const char *lower) {
    return bytes_are(request->words[word], lower);
}

void reply_wrong_arity(const struct request *request);

// Whether the second word is `lower`, and there are that many words; negative: at least so many.
bool is_subcommand(const struct request *request, const char *lower, int arity);

// Replies that the second word is none of `names`, or that it needs another number of words.
void reply_no_subcommand(const struct request *request, const char *const *names, size_t count);

#define COMMAND(name, arity, flags, first, last, step) void command_##name(const struct request *request);
#include "servers/kv/command_list.h"
#undef COMMAND

#endif
