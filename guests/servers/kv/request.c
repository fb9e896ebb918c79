#include "servers/kv/request.h"

#include "servers/kv/heap.h"
#include "servers/kv/text.h"

enum { LINE_MAX = 65536, WORDS_MIN = 64, WORDS_KEPT_MAX = 8192, WORD_WIRE_MIN = 6 };

static struct bytes few_words[WORDS_MIN];
static struct bytes *words = few_words;
static size_t words_room = WORDS_MIN;

// What a request with many words took goes back with the next that has few.
static bool make_room(size_t count) {
    if (count <= WORDS_MIN && words_room > WORDS_KEPT_MAX) {
        heap_give(words);
        words = few_words;
        words_room = WORDS_MIN;
    }
    if (count <= words_room)
        return true;
    size_t room = words_room * 2 > count ? words_room * 2 : count;
    struct bytes *more = heap_take(room * sizeof *more);
    if (more == NULL)
        return false;
    memcpy(more, words, words_room * sizeof *more);
    if (words != few_words)
        heap_give(words);
    words = more;
    words_room = room;
    return true;
}

// A number and "\r\n" at `*at`. A line of more than I64_TEXT_MAX digits is no number.
static inline enum request_state read_number(const uint8_t **at, const uint8_t *end, int64_t *number) {
    const uint8_t *from = *at;
    size_t size = (size_t)(end - from);
    if (size >= 3 && from[1] == '\r' && from[0] - (unsigned)'0' < 10) {
        *number = from[0] - '0';
        *at = from + 3;
        return REQUEST_WHOLE;
    }
    size_t length = 0;
    while (length < size && length <= I64_TEXT_MAX && from[length] != '\r')
        length++;
    if (length > I64_TEXT_MAX)
        return REQUEST_WRONG;
    if (length + 2 > size)
        return REQUEST_PART;
    *at = from + length + 2;
    return parse_i64((struct bytes){from, length}, number) ? REQUEST_WHOLE : REQUEST_WRONG;
}

static const char *unexpected(uint8_t letter) {
    static char line[] = "Protocol error: expected '$', got '?'";
    line[sizeof line - 3] = (char)(letter < ' ' || letter > '~' ? ' ' : letter);
    return line;
}

// Reads the word at *at. REQUEST_PART: *at is where it would end, or, where that is not known yet, behind all that came.
static inline enum request_state read_word(const uint8_t **at, const uint8_t *end, struct bytes *word,
                                           const char **error) {
    const uint8_t *from = *at;
    int64_t size;
    if (from >= end)
        return *at = end + 1, REQUEST_PART;
    if (*from != '$')
        return *error = unexpected(*from), REQUEST_WRONG;
    from++;
    enum request_state state = read_number(&from, end, &size);
    if (state == REQUEST_PART)
        return *at = end + 1, REQUEST_PART;
    if (state == REQUEST_WRONG || size < 0 || size > REQUEST_BULK_MAX)
        return *error = "Protocol error: invalid bulk length", REQUEST_WRONG;
    *word = (struct bytes){from, (size_t)size};
    *at = from + size + 2;
    if (size + 2 > end - from)
        return REQUEST_PART;
    if (from[size] != '\r' || from[size + 1] != '\n')
        return *error = "Protocol error: expected CR LF behind a bulk string", REQUEST_WRONG;
    return REQUEST_WHOLE;
}

static enum request_state part(struct request_progress *progress, size_t checked, size_t needed, uint64_t left) {
    size_t least = checked + left * WORD_WIRE_MIN;
    progress->checked = checked;
    progress->left = left;
    progress->needed = needed;
    progress->least = least > needed ? least : needed;
    return REQUEST_PART;
}

// Goes on with the words behind what is checked; `to` receives them, where it is not NULL.
static enum request_state read_words(struct bytes bytes, struct request_progress *progress, struct bytes *to,
                                     const char **error) {
    const uint8_t *at = bytes.at + progress->checked, *end = bytes.at + bytes.size;
    for (uint64_t left = progress->left; left > 0; left--) {
        const uint8_t *start = at;
        struct bytes word;
        enum request_state state = read_word(&at, end, &word, error);
        if (state == REQUEST_PART) {
            part(progress, (size_t)(start - bytes.at), (size_t)(at - bytes.at), left);
            // Behind this word, whose end may be known, each has its least.
            size_t least = progress->needed + (left - 1) * WORD_WIRE_MIN;
            progress->least = least > progress->least ? least : progress->least;
        }
        if (state != REQUEST_WHOLE)
            return state;
        if (to != NULL)
            *to++ = word;
    }
    progress->checked = (size_t)(at - bytes.at);
    progress->left = 0;
    return REQUEST_WHOLE;
}

static enum request_state read_resp(struct bytes bytes, struct request_progress *progress, struct request *request,
                                    const char **error) {
    const uint8_t *at = bytes.at + 1, *end = bytes.at + bytes.size;
    int64_t count;
    enum request_state state = read_number(&at, end, &count);
    if (state == REQUEST_PART)
        return part(progress, 0, bytes.size + 1, 0);
    if (state == REQUEST_WRONG || count > REQUEST_WORDS_MAX)
        return *error = "Protocol error: invalid multibulk length", REQUEST_WRONG;
    if (count < 0)
        count = 0;
    // What came in parts is looked through first, and its words are taken when it is whole.
    if (progress->checked > 0 && (state = read_words(bytes, progress, NULL, error)) != REQUEST_WHOLE)
        return state;
    // There cannot be more words yet than the bytes allow, whatever the number says.
    size_t possible = bytes.size / WORD_WIRE_MIN + 1;
    if (!make_room((size_t)count < possible ? (size_t)count : possible))
        return *error = "out of memory", REQUEST_WRONG;
    progress->checked = (size_t)(at - bytes.at);
    progress->left = (uint64_t)count;
    if ((state = read_words(bytes, progress, words, error)) != REQUEST_WHOLE)
        return state;
    request->words = words;
    request->count = (uint32_t)count;
    request->raw = (struct bytes){bytes.at, progress->checked};
    request->is_line = false;
    return REQUEST_WHOLE;
}

static bool is_space(uint8_t letter) {
    return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

static int hex_digit(uint8_t letter) {
    uint8_t lower = letter | 0x20;
    return letter >= '0' && letter <= '9' ? letter - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The letter that stands behind a backslash in double quotes; moves *at behind it.
static uint8_t escaped(const uint8_t **at, const uint8_t *end) {
    static const char names[] = "nrtba", letters[] = "\n\r\t\b\a";
    const uint8_t *from = *at;
    if (*from == 'x' && end - from > 2 && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0) {
        *at = from + 3;
        return (uint8_t)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
    }
    *at = from + 1;
    for (size_t i = 0; i < sizeof names - 1; i++)
        if (*from == (uint8_t)names[i])
            return (uint8_t)letters[i];
    return *from;
}

// Copies the word at *at to *to without its quotes; false where they do not match. `end` may not be read.
static bool unquote(const uint8_t **at, const uint8_t *end, uint8_t **to) {
    const uint8_t *from = *at;
    uint8_t quote = 0;
    for (;;) {
        if (from == end) {
            *at = from;
            return quote == 0;
        }
        if (quote == 0 && is_space(*from))
            break;
        if (quote == 0 && (*from == '"' || *from == '\'')) {
            quote = *from++;
        } else if (quote != 0 && *from == quote) {
            quote = 0;
            if (++from < end && !is_space(*from))
                return false;
        } else if (quote == '"' && *from == '\\' && end - from > 1) {
            from++;
            *(*to)++ = escaped(&from, end);
        } else if (quote == '\'' && *from == '\\' && end - from > 1 && from[1] == '\'') {
            *(*to)++ = '\'';
            from += 2;
        } else {
            *(*to)++ = *from++;
        }
    }
    *at = from;
    return true;
}

static enum request_state read_line(struct bytes bytes, struct request_progress *progress, struct request *request,
                                    const char **error) {
    static uint8_t text[LINE_MAX];
    size_t length = progress->checked;
    while (length < bytes.size && length < LINE_MAX && bytes.at[length] != '\n')
        length++;
    if (length == LINE_MAX)
        return *error = "Protocol error: too big inline request", REQUEST_WRONG;
    if (length == bytes.size)
        return part(progress, length, length + 1, 0);
    request->raw = (struct bytes){bytes.at, length + 1};
    const uint8_t *at = bytes.at, *end = at + length - (length > 0 && at[length - 1] == '\r');
    uint8_t *to = text;
    uint32_t count = 0;
    for (;;) {
        while (at < end && is_space(*at))
            at++;
        if (at == end)
            break;
        if (!make_room(count + 1))
            return *error = "out of memory", REQUEST_WRONG;
        words[count].at = to;
        if (!unquote(&at, end, &to))
            return *error = "Protocol error: unbalanced quotes in request", REQUEST_WRONG;
        words[count].size = (size_t)(to - words[count].at);
        count++;
    }
    request->words = words;
    request->count = count;
    request->is_line = true;
    return REQUEST_WHOLE;
}

enum request_state request_read(struct bytes bytes, struct request_progress *progress, struct request *request,
                                const char **error) {
    if (bytes.size == 0)
        return part(progress, 0, 1, 0);
    return bytes.at[0] == '*' ? read_resp(bytes, progress, request, error) : read_line(bytes, progress, request, error);
}
