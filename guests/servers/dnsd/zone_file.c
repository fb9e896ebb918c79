#include "servers/dnsd/zone_reader.h"

#include "servers/dnsd/address.h"

// ---- tokens ------------------------------------------------------------------------------------------------------

bool complain(struct reader *reader, const char *format, ...) {
    va_list args;
    va_start(args, format);
    format_text_args(reader->error->text, sizeof reader->error->text, format, args);
    va_end(args);
    reader->error->line = reader->line;
    return false;
}

bool advance(struct reader *reader) {
    reader->token = lexer_next(&reader->lexer);
    if (reader->token.kind != TOKEN_ERROR)
        return true;
    look_here(reader);
    return complain(reader, "%s", reader->token.text);
}

bool take_word(struct reader *reader, const char *what, struct word *word) {
    if (reader->token.kind != TOKEN_WORD)
        return complain(reader, "%s is missing", what);
    look_here(reader);
    *word = (struct word){reader->token.text, reader->token.size};
    return advance(reader);
}

static bool word_is_nocase(struct word word, const char *upper) {
    size_t size = strlen(upper);
    if (word.size != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (lower_case[(uint8_t)word.at[i]] != lower_case[(uint8_t)upper[i]])
            return false;
    return true;
}

// ---- names -------------------------------------------------------------------------------------------------------

const char *name_read(struct name *name, const char *text, size_t size, const struct name *origin) {
    uint8_t label[LABEL_BYTES_MAX], letter;
    size_t label_size = 0;
    bool is_escaped = false, is_absolute = false;
    name_clear(name);
    bool is_origin = size == 1 && text[0] == '@';
    if (size == 0)
        return "is not a name";
    if (size == 1 && text[0] == '.')
        return NULL;
    while (!is_origin && letter_next(&text, &size, &letter, &is_escaped)) {
        is_absolute = letter == '.' && !is_escaped;
        if (!is_absolute) {
            if (label_size == sizeof label)
                return "has a part of more than 63 bytes";
            label[label_size++] = letter;
        } else {
            if (label_size == 0)
                return "has an empty part";
            if (!name_append(name, label, label_size))
                return "is longer than 255 bytes";
            label_size = 0;
        }
    }
    if (size > 0 && !is_origin)
        return "has a malformed escape: \\ needs a letter or three digits up to 255 behind it";
    if (is_absolute)
        return NULL;
    if (origin == NULL)
        return "is relative, but there is no $ORIGIN yet: end it with a dot, or give the option --origin=";
    if ((label_size > 0 && !name_append(name, label, label_size)) || !name_append_name(name, origin->bytes))
        return "is longer than 255 bytes";
    return NULL;
}

static bool read_name_into(struct reader *reader, struct word word, struct name *name) {
    const char *wrong = name_read(name, word.at, word.size, reader->has_origin ? &reader->origin : NULL);
    return wrong == NULL || complain(reader, "'%.*s' %s", (int)word.size, word.at, wrong);
}

// ---- directives --------------------------------------------------------------------------------------------------

static bool end_directive(struct reader *reader) {
    return !at_text(reader) ||
           complain(reader, "'%.*s' is more than the directive has", (int)reader->token.size, reader->token.text);
}

static bool read_origin(struct reader *reader) {
    struct word word;
    struct name name;
    if (!take_word(reader, "$ORIGIN's name", &word) || !read_name_into(reader, word, &name))
        return false;
    reader->origin = name;
    reader->has_origin = true;
    return end_directive(reader);
}

static bool read_default_ttl(struct reader *reader) {
    struct word word;
    if (!take_word(reader, "$TTL's time", &word))
        return false;
    if (!time_read(word, &reader->default_ttl_s))
        return complain(reader, "'%.*s' is not a time in seconds, nor one like 1h30m", (int)word.size, word.at);
    reader->has_default_ttl = true;
    return end_directive(reader);
}

static bool read_directive(struct reader *reader) {
    struct word word;
    if (!take_word(reader, "a directive", &word))
        return false;
    if (word_is_nocase(word, "$ORIGIN"))
        return read_origin(reader);
    if (word_is_nocase(word, "$TTL"))
        return read_default_ttl(reader);
    return complain(reader, "'%.*s' is not known here: $ORIGIN and $TTL are", (int)word.size, word.at);
}

// ---- records -----------------------------------------------------------------------------------------------------

struct record_start {
    uint32_t ttl_s;
    bool has_ttl, has_class;
    uint16_t type;
    const struct record_form *form;
};

// The numbers below 128 without a form are old or DNSSEC's, which would need more than answers with them; 128 to 255
// are questions' (RFC 6895, section 3.1), and DNAME stands for names that this server would not find.
static bool number_is_usable(uint64_t type) {
    return type > 255 || (type > 52 && type < 128);
}

static bool read_type(struct reader *reader, struct word word, struct record_start *start) {
    uint64_t number;
    start->form = record_form_named(word.at, word.size);
    if (start->form != NULL) {
        start->type = start->form->type;
        return true;
    }
    bool is_numbered = word.size > 4 && word_is_nocase((struct word){word.at, 4}, "TYPE") &&
                       decimal_read((struct word){word.at + 4, word.size - 4}, UINT16_MAX, &number);
    if (!is_numbered)
        return complain(reader, "'%.*s' is no type of records that is served", (int)word.size, word.at);
    if (record_form((uint16_t)number) != NULL)
        return complain(reader, "TYPE%lu has a name: %s", (unsigned long)number, record_form((uint16_t)number)->name);
    if (!number_is_usable(number))
        return complain(reader, "TYPE%lu is not served", (unsigned long)number);
    start->type = (uint16_t)number;
    return true;
}

// TTL and class, both of them optional, in either order; then the type.
static bool read_start(struct reader *reader, struct record_start *start) {
    struct word word;
    for (;;) {
        if (!take_word(reader, "the record's type", &word))
            return false;
        if (!start->has_class && word_is_nocase(word, "IN")) {
            start->has_class = true;
        } else if (!start->has_class && (word_is_nocase(word, "CH") || word_is_nocase(word, "HS"))) {
            return complain(reader, "class %.*s is not served: only IN", (int)word.size, word.at);
        } else if (!start->has_ttl && word.at[0] >= '0' && word.at[0] <= '9') {
            if (!time_read(word, &start->ttl_s))
                return complain(reader, "'%.*s' is not a time in seconds, nor one like 1h30m", (int)word.size, word.at);
            start->has_ttl = true;
        } else {
            return read_type(reader, word, start);
        }
    }
}

// RFC 2308, section 4, and RFC 1035, section 5.1. An SOA alone may lack all of them: its own minimum serves.
static bool choose_ttl(struct reader *reader, struct record_start *start, const uint8_t *data, uint16_t size) {
    if (start->has_ttl) {
        reader->last_ttl_s = start->ttl_s;
        reader->has_last_ttl = true;
    } else if (reader->has_default_ttl) {
        start->ttl_s = reader->default_ttl_s;
    } else if (reader->has_last_ttl) {
        start->ttl_s = reader->last_ttl_s;
    } else if (start->type == TYPE_SOA) {
        start->ttl_s = load_be32(data + size - 4);
        reader->last_ttl_s = start->ttl_s;
        reader->has_last_ttl = true;
    } else {
        return complain(reader, "the record has no TTL, and there is no $TTL before it");
    }
    return true;
}

static bool explain(struct reader *reader, enum zone_result result) {
    switch (result) {
    case ZONE_OK:
        return true;
    case ZONE_NO_MEMORY:
        return complain(reader, "no memory for more records; give the guest more");
    case ZONE_OUTSIDE:
        return complain(reader, "the record's name is outside of the zone");
    case ZONE_ALIAS_ALONE:
        return complain(reader, "a name with a CNAME has no other records");
    case ZONE_SECOND_SOA:
        return complain(reader, "a zone has one SOA");
    case ZONE_WILDCARD_CUT:
        return complain(reader, "a wildcard has no NS records");
    }
    return false;
}

static bool add_record(struct reader *reader, struct record_start *start, const uint8_t *data, uint16_t size) {
    if (!reader->has_zone) {
        if (start->type != TYPE_SOA)
            return complain(reader, "the first record of a zone is its SOA");
        if (!explain(reader, zone_begin(reader->zone, reader->arena, reader->owner.bytes)))
            return false;
        reader->has_zone = true;
    }
    return explain(reader, zone_add(reader->zone, reader->owner.bytes, start->type, start->ttl_s, data, size));
}

static bool read_record(struct reader *reader) {
    static uint8_t data[DATA_BYTES_MAX];
    uint16_t size;
    struct word word;
    struct record_start start = {0};
    look_here(reader);
    unsigned line = reader->line;
    if (!reader->token.is_indented) {
        if (!take_word(reader, "the record's name", &word) || !read_name_into(reader, word, &reader->owner))
            return false;
        reader->has_owner = true;
    }
    if (!reader->has_owner)
        return complain(reader, "the first record has no name");
    if (!read_start(reader, &start) || !data_read(reader, start.form, data, &size))
        return false;
    reader->line = line; // of a record over several lines, the first
    return choose_ttl(reader, &start, data, size) && add_record(reader, &start, data, size);
}

static bool read_entries(struct reader *reader) {
    while (advance(reader)) {
        if (reader->token.kind == TOKEN_FILE_END)
            return true;
        if (reader->token.kind == TOKEN_LINE_END)
            continue;
        bool is_directive = !reader->token.is_indented && reader->token.size > 0 && reader->token.text[0] == '$' &&
                            reader->token.kind == TOKEN_WORD;
        if (is_directive ? !read_directive(reader) : !read_record(reader))
            return false;
        if (reader->token.kind == TOKEN_FILE_END)
            return true;
    }
    return false;
}

static bool check_zone(struct reader *reader) {
    reader->line = 0;
    if (!reader->has_zone)
        return complain(reader, "there are no records");
    if (node_set(reader->zone->apex, TYPE_NS) == NULL)
        return complain(reader, "the zone has no NS records at its apex");
    zone_finish(reader->zone);
    return true;
}

bool zone_read(struct zone *zone, struct arena *arena, const char *text, size_t size, const struct name *origin,
               struct zone_error *error) {
    static struct reader reader;
    memset(&reader, 0, sizeof reader);
    reader.zone = zone;
    reader.arena = arena;
    reader.error = error;
    if (origin != NULL) {
        reader.origin = *origin;
        reader.has_origin = true;
    }
    lexer_begin(&reader.lexer, text, size);
    return read_entries(&reader) && check_zone(&reader);
}
