#include "servers/httpd/request.h"

#include "servers/httpd/letter.h"

// ---- the request line --------------------------------------------------------------------------------------------

struct cursor {
    const char *at, *end;
};

static enum method method_of(struct slice name) {
    static const struct slice refused[] = {SLICE("POST"),  SLICE("PUT"),   SLICE("DELETE"),
                                           SLICE("PATCH"), SLICE("TRACE"), SLICE("CONNECT")};
    if (slice_equals(name, SLICE("GET")))
        return METHOD_GET;
    if (slice_equals(name, SLICE("HEAD")))
        return METHOD_HEAD;
    if (slice_equals(name, SLICE("OPTIONS")))
        return METHOD_OPTIONS;
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (slice_equals(name, refused[i]))
            return METHOD_REFUSED;
    return METHOD_UNKNOWN;
}

// The absolute form's path, which begins behind the authority (RFC 9112, section 3.2.2). False: no such form.
static bool cut_authority(struct slice *target) {
    static const struct slice schemes[] = {SLICE("http://"), SLICE("https://")};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t size = schemes[i].size;
        if (target->size <= size || !slice_is((struct slice){target->at, size}, schemes[i]))
            continue;
        const char *end = target->at + target->size, *host = target->at + size;
        const char *rest = skip_class(host, end, IS_HOST);
        if (rest == host || *host == ':' || (rest < end && *rest != '/' && *rest != '?'))
            return false;
        *target = (struct slice){rest, (size_t)(end - rest)};
        return true;
    }
    return false;
}

static bool split_target(struct request *request, struct slice target, struct slice method) {
    bool is_connect = slice_equals(method, SLICE("CONNECT")); // its target names a host and is not looked at
    bool is_asterisk = request->method == METHOD_OPTIONS && slice_equals(target, SLICE("*"));
    if (target.at[0] != '/' && !is_connect && !is_asterisk && !cut_authority(&target))
        return false;
    size_t size = 0;
    while (size < target.size && target.at[size] != '?')
        size++;
    request->path = size > 0 ? (struct slice){target.at, size} : SLICE("/");
    request->query = (struct slice){NULL, 0};
    if (size < target.size)
        request->query = (struct slice){target.at + size + 1, target.size - size - 1};
    return true;
}

static int parse_method(struct cursor *cursor, struct slice *name) {
    const char *end = skip_class(cursor->at, cursor->end, IS_TOKEN);
    *name = (struct slice){cursor->at, (size_t)(end - cursor->at)};
    if (name->size > METHOD_BYTES_MAX)
        return 501;
    if (end == cursor->end)
        return REQUEST_MORE;
    if (name->size == 0 || *end != ' ')
        return 400;
    cursor->at = end + 1;
    return REQUEST_READY;
}

static int parse_target(struct cursor *cursor, struct slice *target) {
    const char *end = skip_class(cursor->at, cursor->end, IS_TARGET);
    *target = (struct slice){cursor->at, (size_t)(end - cursor->at)};
    if (target->size > TARGET_BYTES_MAX)
        return 414;
    if (end == cursor->end)
        return REQUEST_MORE;
    if (target->size == 0 || *end != ' ')
        return 400;
    cursor->at = end + 1;
    return REQUEST_READY;
}

// "HTTP/" digit "." digit CR LF. Any minor version of 1 is served, as RFC 9110, section 2.5 says.
static int parse_version(struct cursor *cursor, uint8_t *minor) {
    static const struct slice name = SLICE("HTTP/");
    size_t there = (size_t)(cursor->end - cursor->at);
    const char *at = cursor->at;
    if (memcmp(at, name.at, there < name.size ? there : name.size) != 0)
        return 400;
    if (there < name.size + sizeof "1.1\r\n" - 1)
        return REQUEST_MORE;
    at += name.size;
    if (!is_digit(at[0]) || at[1] != '.' || !is_digit(at[2]) || at[3] != '\r' || at[4] != '\n')
        return 400;
    if (at[0] != '1')
        return 505;
    *minor = at[2] == '0' ? 0 : 1;
    cursor->at = at + 5;
    return REQUEST_READY;
}

static int parse_request_line(struct request *request, struct cursor *cursor) {
    struct slice method, target;
    int status = parse_method(cursor, &method);
    if (status != REQUEST_READY)
        return status;
    request->method = method_of(method);
    status = parse_target(cursor, &target);
    if (status != REQUEST_READY)
        return status;
    status = parse_version(cursor, &request->minor);
    if (status != REQUEST_READY)
        return status;
    return split_target(request, target, method) ? REQUEST_READY : 400;
}

// ---- fields ------------------------------------------------------------------------------------------------------

// One field line, its CR LF cut off too. A line that begins with a blank (obs-fold) has no name, and is refused with
// it.
static int parse_field_line(struct cursor *cursor, struct field *field) {
    const char *name_end = skip_class(cursor->at, cursor->end, IS_TOKEN);
    if (name_end == cursor->end)
        return REQUEST_MORE;
    if (name_end == cursor->at || *name_end != ':')
        return 400;
    const char *value = name_end + 1;
    const char *value_end = skip_text(value, cursor->end);
    if (value_end == cursor->end)
        return REQUEST_MORE;
    if (*value_end != '\r')
        return 400;
    if (value_end + 1 == cursor->end)
        return REQUEST_MORE;
    if (value_end[1] != '\n')
        return 400;
    field->name = (struct slice){cursor->at, (size_t)(name_end - cursor->at)};
    field->value = slice_trim((struct slice){value, (size_t)(value_end - value)});
    cursor->at = value_end + 2;
    return REQUEST_READY;
}

static int take_host(struct request *request, struct slice value) {
    const char *end = value.at + value.size;
    return request->hosts++ == 0 && skip_class(value.at, end, IS_HOST) == end ? REQUEST_READY : 400;
}

static int take_connection(struct request *request, struct slice options) {
    struct slice option;
    while (next_element(&options, &option)) {
        request->says_close |= slice_is(option, SLICE("close"));
        request->says_keep_alive |= slice_is(option, SLICE("keep-alive"));
    }
    return REQUEST_READY;
}

static int take_length(struct request *request, struct slice digits) {
    if (request->has_length || !slice_to_number(digits, &request->body_bytes))
        return 400;
    request->has_length = true;
    return REQUEST_READY;
}

// RFC 9112, section 6.3: chunked must come last, and once; no other coding is known here.
static int take_coding(struct request *request, struct slice codings) {
    struct slice coding;
    size_t count = 0, chunked = 0;
    bool last = false;
    while (next_element(&codings, &coding)) {
        last = slice_is(coding, SLICE("chunked"));
        chunked += last;
        count++;
    }
    if (request->has_coding || !last || chunked != 1 || request->minor == 0)
        return 400;
    request->has_coding = true;
    request->chunked = true;
    return count == 1 ? REQUEST_READY : 501;
}

static int take_expectation(struct request *request, struct slice value) {
    if (request->minor == 0)
        return REQUEST_READY; // RFC 9110, section 10.1.1
    request->expects_continue = slice_is(value, SLICE("100-continue"));
    return request->expects_continue ? REQUEST_READY : 417;
}

static int take_field(struct request *request, const struct field *field) {
    struct slice name = field->name;
    switch (name.size) {
    case 4:
        return slice_is(name, SLICE("host")) ? take_host(request, field->value) : REQUEST_READY;
    case 5:
        request->conditional |= slice_is(name, SLICE("range"));
        return REQUEST_READY;
    case 6:
        return slice_is(name, SLICE("expect")) ? take_expectation(request, field->value) : REQUEST_READY;
    case 10:
        return slice_is(name, SLICE("connection")) ? take_connection(request, field->value) : REQUEST_READY;
    case 14:
        return slice_is(name, SLICE("content-length")) ? take_length(request, field->value) : REQUEST_READY;
    case 17:
        if (slice_is(name, SLICE("transfer-encoding")))
            return take_coding(request, field->value);
        break;
    default:
        break;
    }
    request->conditional |= name.size > 3 && slice_is((struct slice){name.at, 3}, SLICE("if-"));
    return REQUEST_READY;
}

static int parse_fields(struct request *request, struct cursor *cursor) {
    const char *start = cursor->at;
    for (size_t count = 0;; count++) {
        if (cursor->at == cursor->end)
            return REQUEST_MORE;
        if (*cursor->at == '\r')
            break;
        if (count == FIELDS_MAX)
            return 431;
        struct field field;
        int status = parse_field_line(cursor, &field);
        if (status == REQUEST_READY)
            status = take_field(request, &field);
        if (status != REQUEST_READY)
            return status;
    }
    if (cursor->end - cursor->at < 2)
        return REQUEST_MORE;
    if (cursor->at[1] != '\n')
        return 400;
    request->fields = (struct slice){start, (size_t)(cursor->at - start)};
    cursor->at += 2;
    return REQUEST_READY;
}

// ---- all of it ---------------------------------------------------------------------------------------------------

static int check_agreement(struct request *request) {
    if (request->minor > 0 && request->hosts != 1)
        return 400;
    if (request->has_length && request->has_coding)
        return 400; // an attempt to smuggle a request (RFC 9112, section 6.1)
    request->keep_alive = !request->says_close && (request->minor > 0 || request->says_keep_alive);
    return REQUEST_READY;
}

static int parse_head(struct request *request, struct cursor *cursor) {
    // An empty line before a request is an old client's, behind a body (RFC 9112, section 2.2).
    if (cursor->at < cursor->end && *cursor->at == '\r') {
        if (cursor->end - cursor->at < 2)
            return REQUEST_MORE;
        if (cursor->at[1] != '\n')
            return 400;
        cursor->at += 2;
    }
    int status = parse_request_line(request, cursor);
    if (status == REQUEST_READY)
        status = parse_fields(request, cursor);
    return status == REQUEST_READY ? check_agreement(request) : status;
}

int request_parse(struct request *request, const uint8_t *bytes, size_t bytes_count) {
    const char *start = (const char *)bytes;
    size_t looked_at = bytes_count < HEAD_BYTES_MAX ? bytes_count : HEAD_BYTES_MAX;
    struct cursor cursor = {start, start + looked_at};
    *request = (struct request){0};
    int status = parse_head(request, &cursor);
    request->head_bytes = (size_t)(cursor.at - start);
    return status == REQUEST_MORE && looked_at == HEAD_BYTES_MAX ? 431 : status;
}

bool next_field(struct slice *fields, struct field *field) {
    struct cursor cursor = {fields->at, fields->at + fields->size};
    if (parse_field_line(&cursor, field) != REQUEST_READY)
        return false;
    *fields = (struct slice){cursor.at, (size_t)(cursor.end - cursor.at)};
    return true;
}
