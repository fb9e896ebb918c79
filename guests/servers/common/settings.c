#include "servers/common/settings.h"

static const char *const serve_names[] = {"ipv4", "ipv4-gateway", "mtu"}; // serve.h, struct serve_config

static bool is_option(struct word word, const char *name) {
    size_t size = strlen(name);
    return word.size > size + 2 && memcmp(word.at, "--", 2) == 0 && memcmp(word.at + 2, name, size) == 0 &&
           word.at[size + 2] == '=';
}

static bool is_any_option(struct word word, const char *const *names, size_t names_count) {
    for (size_t i = 0; i < names_count; i++)
        if (is_option(word, names[i]))
            return true;
    return false;
}

static void list_names(const char *const *names, size_t names_count) {
    for (size_t i = 0; i < names_count; i++)
        print(" --%s=", names[i]);
}

void options_check(const char *line, const char *const *names, size_t names_count) {
    struct word word;
    while (next_word(&line, &word)) {
        if (is_any_option(word, names, names_count) || is_any_option(word, serve_names, COUNT_OF(serve_names)))
            continue;
        print("'%.*s' is not an option; there are", (int)word.size, word.at);
        list_names(names, names_count);
        list_names(serve_names, COUNT_OF(serve_names));
        fail("%s", "");
    }
}

uint64_t option_number(const char *line, const char *name, uint64_t otherwise, uint64_t least, uint64_t most) {
    struct word value;
    uint64_t number;
    if (!find_option(line, name, &value))
        return otherwise;
    if (!word_to_u64(value, &number) || number < least || number > most)
        fail("--%s needs a number from %lu to %lu, not '%.*s'", name, (unsigned long)least, (unsigned long)most,
             (int)value.size, value.at);
    return number;
}
