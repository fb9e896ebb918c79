// Feeds the web server with requests, whole and broken, in pieces of any size, and checks what comes back:
//   - the stream is a sequence of whole responses, and none follows one that says "Connection: close";
//   - however the same bytes are cut, the same responses come;
//   - when the peer has sent its end and read everything, the connection closes.
//
//   httpd_fuzz SEED COUNT [ARCHIVE BLOCK_BYTES]     with content_builtin.c or content_tar.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_serve.h"
#include "fake_solo5.h"
#include "random.h"
#include "servers/httpd/server.h"

#define HTTP_PORT 80
#define CONNECTIONS 3
#define STREAM_BYTES_MAX 60000
#define ANSWER_BYTES_MAX (16u << 20)
#define HEAP_BYTES (8u << 20)

static const char *const whole[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /index.html?x=1 HTTP/1.1\r\nHost: a:80\r\nUser-Agent: fuzz\r\nAccept: */*\r\n\r\n",
    "GET http://a.example/hello.txt HTTP/1.1\r\nHost: b\r\n\r\n",
    "GET /%68ello.txt HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a/../hello.txt HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /sub HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /sub/large.bin HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /sub/large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=1000-70000\r\n\r\n",
    "GET /sub/large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=-600\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=5000-\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"page-1\", W/\"x\"\r\n\r\n",
    "GET /hello.txt HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    "GET /hello.txt HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n\r\n",
    "GET /hello.txt HTTP/1.1\r\nHost: a\r\nIf-Unmodified-Since: Sun Nov  6 08:49:37 1994\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nhost:\ta\t\r\n\r\n",
};

static const char *const pieces[] = {
    "\r\n", "\r", "\n", " ", "\t", ":", ",", "%00", "%2e%2e/", "../", "//", "?", "#", "0", "FFFFFFFFFFFFFFFF",
    "HTTP/1.1",
    "HTTP/2.0", "Content-Length: 5\r\n", "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n", "Host: b\r\n", "Range: bytes=", "bytes=0-0,2-3", "-",
    "Connection: close\r\n", "\"",
    "W/\"", "\x80", "\xff", "100-continue", "18446744073709551616",
};

static struct server server;
static struct connection slots[CONNECTIONS];
static uint64_t state;

static void panic(const char *what, const uint8_t *stream, size_t stream_count) {
    fprintf(stderr, "httpd_fuzz: %s, after these %zu bytes:\n", what, stream_count);
    fwrite(stream, 1, stream_count, stderr);
    abort();
}

// ---- input -------------------------------------------------------------------------------------------------------

static size_t append(uint8_t *stream, size_t count, const char *text) {
    size_t size = strlen(text);
    if (count + size > STREAM_BYTES_MAX)
        return count;
    memcpy(stream + count, text, size);
    return count + size;
}

static size_t mutate(uint8_t *stream, size_t count) {
    char text[64];
    size_t at = random_below(&state, count + 1), size;
    switch (random_below(&state, 6)) {
    case 0: // another byte
        if (at < count)
            stream[at] = (uint8_t)random_next(&state);
        return count;
    case 1: // some bytes less
        size = random_below(&state, 20);
        size = size < count - at ? size : count - at;
        memmove(stream + at, stream + at + size, count - at - size);
        return count - size;
    case 2: // some bytes twice
        size = random_below(&state, sizeof text);
        size = size < count - at ? size : count - at;
        memcpy(text, stream + at, size);
        break;
    case 3: // one bit
        if (at < count)
            stream[at] ^= (uint8_t)(1u << random_below(&state, 8));
        return count;
    case 4: // the end cut off
        return random_below(&state, 8) == 0 ? at : count;
    default: {
        const char *piece = pieces[random_below(&state, COUNT_OF(pieces))];
        size = strlen(piece);
        memcpy(text, piece, size);
    }
    }
    if (count + size > STREAM_BYTES_MAX)
        return count;
    memmove(stream + at + size, stream + at, count - at);
    memcpy(stream + at, text, size);
    return count + size;
}

static size_t make_stream(uint8_t *stream) {
    size_t count = 0, requests = 1 + random_below(&state, 6), mutations = random_below(&state, 4);
    for (size_t i = 0; i < requests; i++)
        count = append(stream, count, whole[random_below(&state, COUNT_OF(whole))]);
    if (random_below(&state, 50) == 0) { // a long line, or many
        size_t line = random_below(&state, 2) == 0 ? 1 : 9000;
        for (size_t i = 0; i < 18000 / line; i++) {
            count = append(stream, count, i == 0 ? "GET /" : "X:");
            for (size_t j = 0; j < line && count < STREAM_BYTES_MAX; j++)
                stream[count++] = 'x';
            count = append(stream, count, i == 0 ? " HTTP/1.1\r\n" : "\r\n");
        }
    }
    for (size_t i = 0; i < mutations; i++)
        count = mutate(stream, count);
    return count;
}

// ---- output ------------------------------------------------------------------------------------------------------

static const uint8_t *find_text(const uint8_t *at, const uint8_t *end, const char *text) {
    size_t size = strlen(text);
    for (; (size_t)(end - at) >= size; at++)
        if (memcmp(at, text, size) == 0)
            return at;
    return NULL;
}

static void check_responses(const uint8_t *answer, size_t count, const uint8_t *stream, size_t stream_count) {
    const uint8_t *at = answer, *end = answer + count;
    while (at < end) {
        const uint8_t *empty_line = find_text(at, end, "\r\n\r\n");
        if (empty_line == NULL || end - at < 16 || memcmp(at, "HTTP/1.1 ", 9) != 0)
            panic("no response", stream, stream_count);
        int status = atoi((const char *)at + 9);
        const uint8_t *length = find_text(at, empty_line, "\r\nContent-Length: ");
        bool has_content = status != 204 && status != 304;
        if (status < 200 || status > 505 || (length != NULL) != has_content)
            panic("a response without its length", stream, stream_count);
        bool closes = find_text(at, empty_line, "\r\nConnection: close") != NULL;
        at = empty_line + 4;
        if (has_content) {
            unsigned long size = strtoul((const char *)length + 18, NULL, 10);
            if (size > (size_t)(end - at))
                panic("a response cut short", stream, stream_count);
            at += size;
        }
        if (closes && at != end)
            panic("a response after the last", stream, stream_count);
    }
}

// Sends the stream in pieces of at most `piece_max` bytes and returns what came back. A peer that reads slowly reads
// only when nothing more is taken from it.
static size_t exchange(const uint8_t *stream, size_t count, size_t piece_max, bool is_slow, uint8_t *answer) {
    struct serve_tcp *tcp = fake_connect(HTTP_PORT);
    size_t received = 0;
    for (size_t at = 0; at < count;) {
        size_t piece = 1 + random_below(&state, piece_max);
        piece = piece < count - at ? piece : count - at;
        fake_deliver(tcp, stream + at, piece);
        at += piece;
        if (!is_slow)
            received += fake_read(tcp, answer + received, ANSWER_BYTES_MAX - received);
    }
    fake_deliver_end(tcp);
    for (size_t part = 1; part > 0; received += part)
        part = fake_read(tcp, answer + received, 1 + random_below(&state, 20000));
    if (!fake_is_closed(tcp))
        panic("the connection stays open", stream, count);
    if (fake_is_aborted(tcp))
        panic("the connection was aborted", stream, count);
    fake_release(tcp);
    return received;
}

// Connections that end in any way, in any state, with time passing and the disk failing: nothing may be left behind.
static void disturb(const uint8_t *stream, size_t count) {
    static uint8_t sink[65536];
    struct serve_tcp *tcp[CONNECTIONS + 1];
    for (size_t i = 0; i < COUNT_OF(tcp); i++)
        tcp[i] = fake_connect(HTTP_PORT);
    for (size_t turn = 0; turn < 20; turn++) {
        struct serve_tcp *one = tcp[random_below(&state, COUNT_OF(tcp))];
        size_t at = random_below(&state, count + 1);
        fake_solo5.block_fails = random_below(&state, 4) == 0;
        switch (random_below(&state, 8)) {
        case 0:
            fake_pass(random_below(&state, 12) * NS_PER_S);
            break;
        case 1:
            fake_deliver_end(one);
            break;
        case 2:
            if (random_below(&state, 4) == 0)
                fake_deliver_reset(one);
            break;
        case 3:
        case 4:
            fake_read(one, sink, random_below(&state, sizeof sink));
            break;
        default:
            fake_deliver(one, stream + at, random_below(&state, count - at + 1));
        }
    }
    fake_solo5.block_fails = false;
    for (size_t i = 0; i < COUNT_OF(tcp); i++) {
        fake_deliver_end(tcp[i]);
        while (fake_read(tcp[i], sink, sizeof sink) > 0)
            ;
    }
    fake_pass(100 * NS_PER_S);
    for (size_t i = 0; i < COUNT_OF(tcp); i++) {
        if (!fake_is_closed(tcp[i]))
            panic("a disturbed connection stays open", stream, count);
        fake_release(tcp[i]);
    }
    size_t free_count = 0;
    for (struct connection *slot = server.free; slot != NULL; slot = slot->next)
        free_count++;
    if (free_count != CONNECTIONS)
        panic("a connection is lost", stream, count);
}

// ---- all of it ---------------------------------------------------------------------------------------------------

static void use_archive(const char *path, size_t block_size) {
    FILE *file = fopen(path, "rb");
    static uint8_t bytes[4u << 20];
    if (file == NULL)
        exit(2);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    fake_solo5.block_name = "content";
    fake_solo5.block_bytes = bytes;
    fake_solo5.block_size = block_size;
    fake_solo5.block_capacity = (size + block_size - 1) / block_size * block_size;
}

static void start(struct arena *heap) {
    server.idle_ns = 60 * NS_PER_S;
    server.request_ns = 10 * NS_PER_S;
    fake_reset(4 * SERVE_RESERVE_MAX);
    content_open(&server.content, heap);
    server.content.cache_bytes = 100000;
    if (!server_start(&server, slots, CONNECTIONS, HTTP_PORT))
        exit(2);
}

int main(int argc, char **argv) {
    if (argc != 3 && argc != 5)
        return 2;
    state = strtoull(argv[1], NULL, 0);
    unsigned long runs = strtoul(argv[2], NULL, 0);
    if (argc == 5)
        use_archive(argv[3], strtoul(argv[4], NULL, 0));
    fake_solo5.wall_ns = 1700000000 * NS_PER_S;
    if (setjmp(fake_solo5.on_exit) != 0) {
        fprintf(stderr, "httpd_fuzz: the server ended: %s", fake_solo5.console);
        return 1;
    }
    void *memory = malloc(HEAP_BYTES);
    struct arena heap = {(uintptr_t)memory, (uintptr_t)memory + HEAP_BYTES};
    start(&heap);
    uint8_t *stream = malloc(STREAM_BYTES_MAX + 64);
    uint8_t *first = malloc(ANSWER_BYTES_MAX), *second = malloc(ANSWER_BYTES_MAX);
    for (unsigned long run = 0; run < runs; run++) {
        size_t count = make_stream(stream);
        size_t first_count = exchange(stream, count, STREAM_BYTES_MAX, false, first);
        bool is_slow = random_below(&state, 2) == 0;
        size_t second_count = exchange(stream, count, 1 + random_below(&state, 40), is_slow, second);
        check_responses(first, first_count, stream, count);
        if (first_count != second_count || memcmp(first, second, first_count) != 0)
            panic("other cuts, other responses", stream, count);
        if (run % 4 == 0 && count > 0)
            disturb(stream, count);
    }
    printf("%lu streams\n", runs);
    free(stream);
    free(first);
    free(second);
    free(memory);
    return 0;
}
