#include "servers/dnsd/zone_reader.h"

#include "servers/dnsd/address.h"

// A record's data as it grows.
struct data {
    uint8_t *bytes;
    size_t size;
};

static bool put(struct reader *reader, struct data *data, const void *bytes, size_t size) {
    if (size > DATA_BYTES_MAX - data->size)
        return complain(reader, "the record's data is longer than %d bytes", DATA_BYTES_MAX);
    memcpy(data->bytes + data->size, bytes, size);
    data->size += size;
    return true;
}

static bool put_number(struct reader *reader, struct data *data, uint64_t value, size_t size) {
    uint8_t bytes[4];
    store_be32(bytes, (uint32_t)value);
    return put(reader, data, bytes + 4 - size, size);
}

// ---- numbers and times -------------------------------------------------------------------------------------------

static uint64_t unit_seconds(char letter) {
    switch (letter | 0x20) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 604800;
    default:
        return 0;
    }
}

bool time_read(struct word word, uint32_t *seconds) {
    uint64_t total = 0, part;
    while (word.size > 0) {
        struct word digits = {word.at, 0};
        while (digits.size < word.size && word.at[digits.size] >= '0' && word.at[digits.size] <= '9')
            digits.size++;
        bool has_unit = digits.size < word.size;
        uint64_t unit = has_unit ? unit_seconds(word.at[digits.size]) : 1;
        if (unit == 0 || !decimal_read(digits, INT32_MAX, &part))
            return false;
        total += part * unit;
        if (total > INT32_MAX)
            return false;
        size_t cut = digits.size + has_unit;
        word = (struct word){word.at + cut, word.size - cut};
        if (word.size == 0) {
            *seconds = (uint32_t)total;
            return true;
        }
    }
    return false;
}

static bool read_number(struct reader *reader, struct data *data, size_t size) {
    struct word word;
    uint64_t number, most = ((uint64_t)1 << 8 * size) - 1;
    if (!take_word(reader, "a number", &word))
        return false;
    if (!decimal_read(word, most, &number))
        return complain(reader, "'%.*s' is not a number from 0 to %lu", (int)word.size, word.at, (unsigned long)most);
    return put_number(reader, data, number, size);
}

static bool read_time(struct reader *reader, struct data *data) {
    struct word word;
    uint32_t seconds;
    if (!take_word(reader, "a time", &word))
        return false;
    if (!time_read(word, &seconds))
        return complain(reader, "'%.*s' is not a time in seconds, nor one like 1h30m", (int)word.size, word.at);
    return put_number(reader, data, seconds, 4);
}

// ---- addresses ---------------------------------------------------------------------------------------------------

static bool read_address(struct reader *reader, struct data *data, bool is_ipv6) {
    uint8_t address[16];
    struct word word;
    if (!take_word(reader, "an address", &word))
        return false;
    if (is_ipv6 ? parse_ipv6(word, address) : parse_ipv4(word, address))
        return put(reader, data, address, is_ipv6 ? 16 : 4);
    return complain(reader, "'%.*s' is not an %s address", (int)word.size, word.at, is_ipv6 ? "IPv6" : "IPv4");
}

// ---- names and text ----------------------------------------------------------------------------------------------

static bool read_name(struct reader *reader, struct data *data) {
    struct word word;
    struct name name;
    if (!take_word(reader, "a name", &word))
        return false;
    const char *wrong = name_read(&name, word.at, word.size, reader->has_origin ? &reader->origin : NULL);
    if (wrong != NULL)
        return complain(reader, "'%.*s' %s", (int)word.size, word.at, wrong);
    return put(reader, data, name.bytes, name.size);
}

// Appends a token's letters. Returns how many; SIZE_MAX: complained.
static size_t put_letters(struct reader *reader, struct data *data) {
    const char *text = reader->token.text;
    size_t left = reader->token.size, count = 0;
    uint8_t letter;
    bool is_escaped;
    look_here(reader);
    for (; letter_next(&text, &left, &letter, &is_escaped); count++)
        if (!put(reader, data, &letter, 1))
            return SIZE_MAX;
    if (left == 0)
        return count;
    complain(reader, "a malformed escape: \\ needs a letter or three digits up to 255 behind it");
    return SIZE_MAX;
}

// A string behind its size.
static bool read_string(struct reader *reader, struct data *data) {
    size_t size_at = data->size, count;
    uint8_t size = 0;
    if (!at_text(reader))
        return complain(reader, "text is missing");
    if (!put(reader, data, &size, 1) || (count = put_letters(reader, data)) == SIZE_MAX)
        return false;
    if (count > 255)
        return complain(reader, "a string is longer than 255 bytes: cut it in several");
    data->bytes[size_at] = (uint8_t)count;
    return advance(reader);
}

static bool read_strings(struct reader *reader, struct data *data) {
    do
        if (!read_string(reader, data))
            return false;
    while (at_text(reader));
    return true;
}

// RFC 8659, section 4.1.
static bool read_tag(struct reader *reader, struct data *data) {
    size_t start = data->size;
    if (!read_string(reader, data))
        return false;
    for (size_t i = start + 1; i < data->size; i++)
        if (hex_digit((char)data->bytes[i]) < 0 && !((data->bytes[i] | 0x20) >= 'a' && (data->bytes[i] | 0x20) <= 'z'))
            return complain(reader, "a tag has letters and digits only");
    return data->size > start + 1 || complain(reader, "the tag is empty");
}

static bool read_text(struct reader *reader, struct data *data) {
    if (!at_text(reader))
        return complain(reader, "text is missing");
    return put_letters(reader, data) != SIZE_MAX && advance(reader);
}

// Digits to the line's end, in any number of words.
static bool read_hex(struct reader *reader, struct data *data) {
    int high = -1;
    while (reader->token.kind == TOKEN_WORD) {
        look_here(reader);
        for (size_t i = 0; i < reader->token.size; i++) {
            int digit = hex_digit(reader->token.text[i]);
            if (digit < 0)
                return complain(reader, "'%.*s' is not hexadecimal", (int)reader->token.size, reader->token.text);
            if (high < 0) {
                high = digit;
                continue;
            }
            uint8_t byte = (uint8_t)(high << 4 | digit);
            if (!put(reader, data, &byte, 1))
                return false;
            high = -1;
        }
        if (!advance(reader))
            return false;
    }
    return high < 0 || complain(reader, "an odd number of hexadecimal digits");
}

// ---- a record's data ---------------------------------------------------------------------------------------------

static bool read_field(struct reader *reader, struct data *data, char field) {
    switch (field) {
    case FIELD_NAME:
    case FIELD_PLAIN_NAME:
        return read_name(reader, data);
    case FIELD_BYTE:
        return read_number(reader, data, 1);
    case FIELD_NUMBER:
        return read_number(reader, data, 2);
    case FIELD_SERIAL:
        return read_number(reader, data, 4);
    case FIELD_TIME:
        return read_time(reader, data);
    case FIELD_IPV4:
        return read_address(reader, data, false);
    case FIELD_IPV6:
        return read_address(reader, data, true);
    case FIELD_STRING:
        return read_string(reader, data);
    case FIELD_STRINGS:
        return read_strings(reader, data);
    case FIELD_TAG:
        return read_tag(reader, data);
    case FIELD_TEXT:
        return read_text(reader, data);
    default:
        return read_hex(reader, data);
    }
}

// "\# SIZE HEX" (RFC 3597, section 5).
static bool read_unknown(struct reader *reader, struct data *data) {
    struct word word;
    uint64_t size;
    if (!take_word(reader, "\\#", &word))
        return false;
    if (!word_is(word, "\\#"))
        return complain(reader, "the data of this type must be given as \\# SIZE HEXADECIMAL");
    if (!take_word(reader, "the size of the data", &word))
        return false;
    if (!decimal_read(word, DATA_BYTES_MAX, &size))
        return complain(reader, "'%.*s' is not a size", (int)word.size, word.at);
    if (!read_hex(reader, data))
        return false;
    return data->size == size ||
           complain(reader, "there are %zu bytes of data, not %lu", data->size, (unsigned long)size);
}

bool data_read(struct reader *reader, const struct record_form *form, uint8_t *bytes, uint16_t *data_size) {
    struct data data = {.bytes = bytes};
    if (form == NULL && !read_unknown(reader, &data))
        return false;
    for (const char *field = form == NULL ? "" : form->fields; *field != '\0'; field++)
        if (!read_field(reader, &data, *field))
            return false;
    if (at_text(reader))
        return complain(reader, "'%.*s' is more than the record has", (int)reader->token.size, reader->token.text);
    *data_size = (uint16_t)data.size;
    return true;
}
