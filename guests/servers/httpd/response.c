#include "servers/httpd/response.h"

#include "servers/httpd/condition.h"

#define ALLOWED "Allow: GET, HEAD, OPTIONS\r\n"

void response_tick(struct server *server) {
    if (serve_now_ns() < server->date_until_ns)
        return;
    uint64_t wall_ns = solo5_clock_wall();
    char *at = server->date_lines;
    server->now_s = wall_ns / NS_PER_S;
    server->date_until_ns = serve_now_ns() + (NS_PER_S - wall_ns % NS_PER_S);
    memcpy(at, SERVER_LINE "Date: ", sizeof SERVER_LINE "Date: " - 1);
    at += sizeof SERVER_LINE "Date: " - 1;
    date_format(server->now_s, at);
    memcpy(at + DATE_BYTES, "\r\n", 2);
}

// ---- heads -------------------------------------------------------------------------------------------------------

static struct slice status_line_of(int status) {
    switch (status) {
    case 200:
        return SLICE("HTTP/1.1 200 OK\r\n");
    case 204:
        return SLICE("HTTP/1.1 204 No Content\r\n");
    case 206:
        return SLICE("HTTP/1.1 206 Partial Content\r\n");
    case 301:
        return SLICE("HTTP/1.1 301 Moved Permanently\r\n");
    case 304:
        return SLICE("HTTP/1.1 304 Not Modified\r\n");
    case 400:
        return SLICE("HTTP/1.1 400 Bad Request\r\n");
    case 404:
        return SLICE("HTTP/1.1 404 Not Found\r\n");
    case 405:
        return SLICE("HTTP/1.1 405 Method Not Allowed\r\n");
    case 408:
        return SLICE("HTTP/1.1 408 Request Timeout\r\n");
    case 412:
        return SLICE("HTTP/1.1 412 Precondition Failed\r\n");
    case 413:
        return SLICE("HTTP/1.1 413 Content Too Large\r\n");
    case 414:
        return SLICE("HTTP/1.1 414 URI Too Long\r\n");
    case 416:
        return SLICE("HTTP/1.1 416 Range Not Satisfiable\r\n");
    case 417:
        return SLICE("HTTP/1.1 417 Expectation Failed\r\n");
    case 431:
        return SLICE("HTTP/1.1 431 Request Header Fields Too Large\r\n");
    case 501:
        return SLICE("HTTP/1.1 501 Not Implemented\r\n");
    case 503:
        return SLICE("HTTP/1.1 503 Service Unavailable\r\n");
    case 505:
        return SLICE("HTTP/1.1 505 HTTP Version Not Supported\r\n");
    default:
        return SLICE("HTTP/1.1 500 Internal Server Error\r\n");
    }
}

// A head in the making, in memory whose size was counted before.
struct head {
    char *at;
};

static void put(struct head *head, struct slice text) {
    memcpy(head->at, text.at, text.size);
    head->at += text.size;
}

static struct slice connection_line(const struct connection *connection, const struct request *request) {
    if (connection->is_closing)
        return SLICE("Connection: close\r\n");
    return request->minor == 0 ? SLICE("Connection: keep-alive\r\n") : SLICE("");
}

// Writes the status line, the lines that all responses have, `own` (with the empty line at its end) and `content`, all
// at once or not at all.
static bool send_whole(struct connection *connection, const struct request *request, int status, struct slice own,
                       struct slice content) {
    struct slice status_line = status_line_of(status), connection_field = connection_line(connection, request);
    struct slice date = {connection->server->date_lines, sizeof connection->server->date_lines};
    size_t size = status_line.size + date.size + connection_field.size + own.size + content.size;
    uint8_t *memory = size > SERVE_RESERVE_MAX ? NULL : serve_tcp_reserve(connection->tcp, size);
    if (memory == NULL)
        return false;
    struct head head = {(char *)memory};
    put(&head, status_line);
    put(&head, date);
    put(&head, connection_field);
    put(&head, own);
    put(&head, content);
    serve_tcp_commit(connection->tcp, size);
    return true;
}

// A response that tells its status in words, behind the lines of `own`.
static bool send_status(struct connection *connection, const struct request *request, int status, struct slice own) {
    struct slice status_line = status_line_of(status);
    struct slice words = {status_line.at + sizeof "HTTP/1.1 " - 1, status_line.size - (sizeof "HTTP/1.1 " - 1)};
    char text[SERVE_RESERVE_MAX];
    size_t size = format_text(text, sizeof text,
                              "%.*sContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
                              (int)own.size, own.at, words.size);
    bool has_content = request->method != METHOD_HEAD;
    return send_whole(connection, request, status, (struct slice){text, size}, has_content ? words : SLICE(""));
}

bool response_refuse(struct connection *connection, int status) {
    static const struct request unknown = {.minor = 1};
    connection->is_closing = true;
    connection->is_closing = send_status(connection, &unknown, status, SLICE(""));
    return connection->is_closing;
}

// ---- redirection -------------------------------------------------------------------------------------------------

#define LOCATION_BYTES_MAX 3072

// The same path with the '/' that a directory has, and the query, so that links relative to it work.
static bool redirect(struct connection *connection, const struct request *request, const struct path *path) {
    static const struct slice name = SLICE("Location: ");
    char line[LOCATION_BYTES_MAX];
    memcpy(line, name.at, name.size);
    size_t size = name.size, query_size = request->query.at != NULL ? request->query.size + 1 : 0;
    size_t encoded = path_encode(path, line + size, sizeof line - size - 3);
    size += encoded;
    if (encoded == 0 || query_size > sizeof line - size - 3)
        return send_status(connection, request, 414, SLICE(""));
    line[size++] = '/';
    if (query_size > 0) {
        line[size++] = '?';
        memcpy(line + size, request->query.at, request->query.size);
        size += request->query.size;
    }
    memcpy(line + size, "\r\n", 2);
    return send_status(connection, request, 301, (struct slice){line, size + 2});
}

// ---- files -------------------------------------------------------------------------------------------------------

static void send_after_head(struct connection *connection, const struct file *file, const struct part *part) {
    connection->file = file;
    connection->next_byte = part->start;
    connection->end_byte = part->end;
}

static bool send_part_head(struct connection *connection, const struct request *request, const struct file *file,
                           const struct part *part) {
    char text[SERVE_RESERVE_MAX / 2];
    size_t size = format_text(text, sizeof text, "Content-Length: %lu\r\nContent-Range: bytes %lu-%lu/%lu\r\n%.*s",
                              (unsigned long)(part->end - part->start), (unsigned long)part->start,
                              (unsigned long)(part->end - 1), (unsigned long)file->size,
                              (int)(file->fields_size - file->type_at), file->fields + file->type_at);
    return send_whole(connection, request, 206, (struct slice){text, size}, SLICE(""));
}

static bool send_range_refusal(struct connection *connection, const struct request *request, const struct file *file) {
    char text[64];
    size_t size = format_text(text, sizeof text, "Content-Range: bytes */%lu\r\n", (unsigned long)file->size);
    return send_status(connection, request, 416, (struct slice){text, size});
}

// The first byte is read before the head is written: while the response can still be an error.
static bool can_be_read(struct connection *connection, struct file *file, const struct part *part) {
    uint8_t first;
    if (!content_prepare(&connection->server->content, file))
        return false;
    return file->bytes != NULL || part->start == part->end ||
           content_read(&connection->server->content, file, part->start, &first, 1);
}

static bool send_file(struct connection *connection, const struct request *request, struct file *file) {
    struct part part = {0, file->size};
    int status = 200;
    if (request->conditional)
        status = condition_check(request, file, connection->server->now_s, &part);
    if (status == 304) {
        struct slice fields = {file->fields + file->validators_at, (size_t)(file->fields_size - file->validators_at)};
        return send_whole(connection, request, status, fields, SLICE(""));
    }
    if (status == 412)
        return send_status(connection, request, status, SLICE(""));
    if (status == 416)
        return send_range_refusal(connection, request, file);
    bool has_content = request->method == METHOD_GET;
    if (has_content && !can_be_read(connection, file, &part))
        return send_status(connection, request, 500, SLICE(""));
    bool is_sent = status == 206 ? send_part_head(connection, request, file, &part)
                                 : send_whole(connection, request, status,
                                              (struct slice){file->fields, file->fields_size}, SLICE(""));
    if (is_sent && has_content)
        send_after_head(connection, file, &part);
    return is_sent;
}

static bool send_path(struct connection *connection, const struct request *request) {
    struct path path;
    enum path_result result = path_resolve(request->path, &path);
    if (result == PATH_BAD)
        return send_status(connection, request, 400, SLICE(""));
    const struct entry *entry = NULL;
    if (result == PATH_READY)
        entry = content_find(&connection->server->content, path.bytes, path.size);
    if (entry != NULL && entry->is_directory && !path.is_directory)
        return redirect(connection, request, &path);
    if (entry == NULL || entry->file == NULL || entry->is_directory != path.is_directory)
        return send_status(connection, request, 404, SLICE(""));
    return send_file(connection, request, entry->file);
}

static bool send_response(struct connection *connection, const struct request *request) {
    switch (request->method) {
    case METHOD_GET:
    case METHOD_HEAD:
        return send_path(connection, request);
    case METHOD_OPTIONS:
        return send_whole(connection, request, 204, SLICE(ALLOWED "\r\n"), SLICE(""));
    case METHOD_REFUSED:
        return send_status(connection, request, 405, SLICE(ALLOWED));
    default:
        return send_status(connection, request, 501, SLICE(""));
    }
}

bool response_begin(struct connection *connection, const struct request *request) {
    // Whether a client sends its content after an answer that is not 100 (Continue), nobody knows: so nothing follows.
    connection->is_closing = !request->keep_alive || request->expects_continue;
    bool is_begun = send_response(connection, request);
    connection->is_closing &= is_begun;
    return is_begun;
}

// ---- content -----------------------------------------------------------------------------------------------------

// Pieces end where blocks end, so that the disk is read in whole blocks, straight into the send buffer.
static bool send_from_disk(struct connection *connection) {
    const struct file *file = connection->file;
    while (is_sending(connection)) {
        uint64_t left = connection->end_byte - connection->next_byte;
        size_t piece = SERVE_RESERVE_MAX - (size_t)((file->offset + connection->next_byte) % SERVE_RESERVE_MAX);
        piece = left < piece ? (size_t)left : piece;
        uint8_t *memory = serve_tcp_reserve(connection->tcp, piece);
        if (memory == NULL)
            return true;
        bool is_read = content_read(&connection->server->content, file, connection->next_byte, memory, piece);
        serve_tcp_commit(connection->tcp, is_read ? piece : 0);
        if (!is_read)
            return false;
        connection->next_byte += piece;
    }
    return true;
}

bool response_continue(struct connection *connection) {
    const struct file *file = connection->file;
    if (!is_sending(connection))
        return true;
    if (file->bytes == NULL)
        return send_from_disk(connection);
    size_t left = (size_t)(connection->end_byte - connection->next_byte);
    connection->next_byte += serve_tcp_send(connection->tcp, file->bytes + connection->next_byte, left);
    return true;
}
