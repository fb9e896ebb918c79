#include "servers/kv/reply.h"

#include "servers/kv/client.h"
#include "servers/kv/heap.h"
#include "servers/kv/text.h"

struct reply_room reply_room;
uint64_t reply_errors;

enum { WAITING_BYTES = 16384, WAITING_BYTES_MAX = 1 << 20 };

// Where the room is: nowhere, in the send buffer, in the client's last waiting piece, or where nobody reads it.
static enum { NOWHERE, SEND_BUFFER, WAITING, LOST } place;

static struct client *client;
static uint8_t *start;
static uint8_t lost[REPLY_SMALL];

static void open_room(int where, uint8_t *at, size_t bytes) {
    place = where;
    start = reply_room.at = at;
    reply_room.end = at + bytes;
}

void reply_begin(struct client *to) {
    client = to;
    open_room(NOWHERE, NULL, 0);
}

void reply_end(void) {
    size_t bytes = (size_t)(reply_room.at - start);
    if (place == SEND_BUFFER && bytes > 0)
        serve_tcp_commit(client->tcp, bytes);
    else if (place == WAITING)
        client->last_waiting->bytes += (uint32_t)bytes;
    open_room(NOWHERE, NULL, 0);
}

// A waiting piece with room for `bytes` bytes; NULL without memory, and then the client is to go.
static struct waiting *add_waiting(size_t bytes) {
    size_t room = bytes > WAITING_BYTES ? bytes : WAITING_BYTES;
    struct waiting *piece = client->failed ? NULL : heap_take(sizeof *piece + room);
    if (piece == NULL) {
        client->failed = true;
        return NULL;
    }
    *piece = (struct waiting){.room = (uint32_t)room};
    *(client->last_waiting == NULL ? &client->waiting : &client->last_waiting->next) = piece;
    client->last_waiting = piece;
    return piece;
}

void reply_more(size_t bytes) {
    reply_end();
    if (client != NULL && client->waiting == NULL) {
        uint8_t *room = serve_tcp_reserve(client->tcp, SERVE_RESERVE_MAX);
        if (room != NULL) {
            open_room(SEND_BUFFER, room, SERVE_RESERVE_MAX);
            return;
        }
    }
    struct waiting *piece = client == NULL ? NULL : client->last_waiting;
    if (piece != NULL && piece->room - piece->bytes < bytes)
        piece = NULL;
    if (piece == NULL && client != NULL)
        piece = add_waiting(bytes);
    if (piece == NULL)
        open_room(LOST, lost, sizeof lost);
    else
        open_room(WAITING, piece->at + piece->bytes, piece->room - piece->bytes);
}

static void send_or_keep(struct bytes bytes) {
    reply_end();
    if (client == NULL)
        return;
    size_t sent = client->waiting == NULL ? serve_tcp_send(client->tcp, bytes.at, bytes.size) : 0;
    while (sent < bytes.size) {
        size_t left = bytes.size - sent;
        struct waiting *piece = client->last_waiting;
        if (piece == NULL || piece->room == piece->bytes)
            piece = add_waiting(left < WAITING_BYTES_MAX ? left : WAITING_BYTES_MAX);
        if (piece == NULL)
            return;
        size_t part = left < piece->room - piece->bytes ? left : piece->room - piece->bytes;
        memcpy(piece->at + piece->bytes, bytes.at + sent, part);
        piece->bytes += (uint32_t)part;
        sent += part;
    }
}

bool reply_is_lost(void) {
    return client == NULL || client->failed;
}

void reply_raw(struct bytes bytes) {
    if (bytes.size > REPLY_SMALL && bytes.size > (size_t)(reply_room.end - reply_room.at))
        send_or_keep(bytes);
    else
        reply_text(bytes);
}

static inline void reply_number(uint8_t kind, int64_t number) {
    uint8_t *at = reply_at(I64_TEXT_MAX + 3);
    *at++ = kind;
    at += print_i64(at, number);
    *at++ = '\r';
    *at++ = '\n';
    reply_room.at = at;
}

void reply_integer(int64_t number) {
    reply_number(':', number);
}

void reply_list(uint64_t count) {
    reply_number('*', (int64_t)count);
}

void reply_string_head(uint64_t size) {
    reply_number('$', (int64_t)size);
}

void reply_string(struct bytes string) {
    if (string.size > REPLY_SMALL - I64_TEXT_MAX - 5) {
        reply_string_head(string.size);
        reply_raw(string);
        reply_text(TEXT("\r\n"));
        return;
    }
    uint8_t *at = reply_at(string.size + I64_TEXT_MAX + 5);
    *at++ = '$';
    at += print_u64(at, string.size);
    *at++ = '\r';
    *at++ = '\n';
    copy_bytes(at, string.at, string.size);
    at += string.size;
    *at++ = '\r';
    *at++ = '\n';
    reply_room.at = at;
}

void reply_integer_string(int64_t number) {
    uint8_t text[I64_TEXT_MAX];
    reply_string((struct bytes){text, print_i64(text, number)});
}

void reply_real(real number) {
    uint8_t text[REAL_TEXT_MAX];
    reply_string((struct bytes){text, real_print(text, number)});
}

void reply_c_string(const char *string) {
    reply_string((struct bytes){(const uint8_t *)string, strlen(string)});
}

void reply_error(const char *format, ...) {
    enum { TEXT_MAX = REPLY_SMALL - 3 };
    va_list args;
    va_start(args, format);
    uint8_t *at = reply_at(REPLY_SMALL);
    *at++ = '-';
    size_t size = format_text_args((char *)at, TEXT_MAX, format, args);
    va_end(args);
    if (size > TEXT_MAX - 1)
        size = TEXT_MAX - 1;
    for (size_t i = 0; i < size; i++)
        if (at[i] == '\r' || at[i] == '\n')
            at[i] = ' ';
    at[size] = '\r';
    at[size + 1] = '\n';
    reply_room.at = at + size + 2;
    reply_errors++;
}

void reply_wrong_type(void) {
    reply_error("WRONGTYPE Operation against a key holding the wrong kind of value");
}

void reply_syntax_error(void) {
    reply_error("ERR syntax error");
}

void reply_not_an_integer(void) {
    reply_error("ERR value is not an integer or out of range");
}

void reply_no_memory(void) {
    reply_error("OOM command not allowed when used memory > 'maxmemory'.");
}

void reply_log_full(void) {
    reply_error("MISCONF Errors writing to the AOF file: No space left on device");
}
