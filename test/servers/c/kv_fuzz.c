// Feeds the server with streams of requests, whole and broken, and checks:
//   - however a stream is cut, and however slowly its replies are read, the same replies come;
//   - each reply is well-formed RESP2, and there are as many as requests, up to a protocol error, which ends the connection;
//   - when all is closed and all keys are gone, so is all memory.
// With a heap so small that memory ends all the time, replies depend on more than the stream, and only the rest is checked.
//
//   kv_fuzz SEED COUNT HEAP_KIB
#define _GNU_SOURCE // memmem
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv_fake.h"
#include "random.h"
#include "servers/kv/client.h"
#include "servers/kv/command.h"
#include "servers/kv/heap.h"
#include "servers/kv/server.h"

enum { PORT = 6379, STREAM_MAX = 1 << 20, REPLIES_MAX = 32 << 20, REQUEST_MAX = 1 << 18 };

#define HEAP_BYTES_AMPLE (32u << 20)

static uint64_t state;
static uint8_t stream[STREAM_MAX + REQUEST_MAX], first[REPLIES_MAX], second[REPLIES_MAX];
static size_t stream_size;
static size_t heap_size;
static unsigned long requests, broken, refused;

static size_t below(size_t limit) {
    return random_below(&state, limit);
}

static void panic(const char *what) {
    fprintf(stderr, "kv_fuzz: %s, with this stream of %zu bytes:\n", what, stream_size);
    fwrite(stream, 1, stream_size < 4000 ? stream_size : 4000, stderr);
    abort();
}

// ---- streams -----------------------------------------------------------------------------------------------------

static void add(const void *bytes, size_t size) {
    memcpy(stream + stream_size, bytes, size);
    stream_size += size;
}

static void add_text(const char *text) {
    add(text, strlen(text));
}

static void add_word(const void *word, size_t size) {
    char head[32];
    add(head, (size_t)sprintf(head, "$%zu\r\n", size));
    add(word, size);
    add("\r\n", 2);
}

static const char *const odd_words[] = {"0",
                                        "1",
                                        "-1",
                                        "10",
                                        "-100",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "9223372036854775808",
                                        "1.5",
                                        "-inf",
                                        "+inf",
                                        "(1",
                                        "(inf",
                                        "nan",
                                        "1e400",
                                        "0.1",
                                        "abc",
                                        "",
                                        "*",
                                        "[a-",
                                        "k?y*",
                                        "NX",
                                        "XX",
                                        "GT",
                                        "LT",
                                        "CH",
                                        "INCR",
                                        "EX",
                                        "PX",
                                        "EXAT",
                                        "PXAT",
                                        "KEEPTTL",
                                        "GET",
                                        "PERSIST",
                                        "WITHSCORES",
                                        "LIMIT",
                                        "BYSCORE",
                                        "REV",
                                        "LEFT",
                                        "RIGHT",
                                        "BEFORE",
                                        "AFTER",
                                        "MATCH",
                                        "COUNT",
                                        "TYPE",
                                        "string",
                                        "zset",
                                        "2",
                                        "3",
                                        "maxmemory",
                                        "save",
                                        "ID",
                                        "SETNAME",
                                        "GETNAME",
                                        "LIST",
                                        "ASYNC",
                                        "docs"};

static void add_random_word(void) {
    static uint8_t bytes[REQUEST_MAX];
    char name[32];
    size_t size;
    switch (below(9)) {
    case 0:
    case 1:
    case 2:
        add_word(name, (size_t)sprintf(name, "key%zu", below(8)));
        return;
    case 3:
    case 4:
        add_word(name, (size_t)sprintf(name, "%d", (int)below(40) - 20));
        return;
    case 5:
        size = below(60) == 0 ? below(150000) : below(10) == 0 ? below(3000) : below(40);
        memset(bytes, (int)('a' + below(26)), size);
        for (size_t i = 0; i < size && i < 100; i++)
            bytes[below(size)] = (uint8_t)random_next(&state);
        add_word(bytes, size);
        return;
    default: {
        const char *word = odd_words[below(COUNT_OF(odd_words))];
        add_word(word, strlen(word));
    }
    }
}

// With an ample heap, one whose replies are not left to chance, the clock or the heap.
static const struct command *random_command(void) {
    static const char *const others[] = {"spop", "srandmember", "randomkey", "time",  "shutdown",
                                         "info", "client",      "hello",     "config"};
    for (;;) {
        const struct command *command = &command_table[below(command_table_size)];
        bool other = false;
        for (size_t i = 0; i < COUNT_OF(others) && heap_size >= HEAP_BYTES_AMPLE; i++)
            other |= strcmp(others[i], command->name) == 0;
        if (!other && (strcmp(command->name, "command") != 0 || below(30) == 0) &&
            (strncmp(command->name, "flush", 5) != 0 || below(10) == 0) &&
            (strcmp(command->name, "quit") != 0 || below(100) == 0))
            return command;
    }
}

static void add_request(void) {
    char head[32], name[32];
    const struct command *command = random_command();
    size_t least = (size_t)(command->arity < 0 ? -command->arity : command->arity);
    size_t words = below(20) == 0 ? 1 + below(6) : command->arity < 0 ? least + below(4) : least;
    add(head, (size_t)sprintf(head, "*%zu\r\n", words));
    for (size_t i = 0; command->name[i] != '\0'; i++)
        name[i] = (char)(command->name[i] ^ (below(8) == 0 ? 0x20 : 0));
    add_word(name, strlen(command->name));
    for (size_t i = 1; i < words; i++)
        add_random_word();
    requests++;
}

static void add_line(void) {
    static const char *const lines[] = {"PING\r\n",
                                        "ping hello\n",
                                        "\r\n",
                                        "\n",
                                        "  SET  key1   'a b\\'c'  \r\n",
                                        "GET key1\r\n",
                                        "SET key2 \"\\x00\\xff\\n\\r\\t\\\"\"\r\n",
                                        "ECHO \"\"\r\n",
                                        "nosuch a b c\r\n",
                                        "ECHO 'open\r\n",
                                        "ECHO \"a\"b\r\n",
                                        "*0\r\n",
                                        "*-1\r\n",
                                        "INCR key3\n"};
    add_text(lines[below(COUNT_OF(lines))]);
}

static void add_broken(void) {
    static const char *const texts[] = {"*",
                                        "$",
                                        "*1\r\n",
                                        "*2\r\n$3\r\nGET\r\n",
                                        "*1\r\n$-1\r\n",
                                        "*1\r\n$abc\r\n",
                                        "*x\r\n",
                                        "*1\r\nGET\r\n",
                                        "*1048577\r\n",
                                        "*1\r\n$536870913\r\n",
                                        "*1\r\n$4\r\nPINGxx",
                                        "*99999999999999999999999\r\n",
                                        "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\nxxx",
                                        "*1000000\r\n$1\r\na\r\n"};
    add_text(texts[below(COUNT_OF(texts))]);
    broken++;
}

static void make_stream(void) {
    stream_size = 0;
    add_text("FLUSHALL\r\n");
    size_t count = below(8) == 0 ? below(1000) : below(60);
    for (size_t i = 0; i < count && stream_size < STREAM_MAX; i++) {
        size_t kind = below(300);
        if (kind < 260)
            add_request();
        else if (kind < 299)
            add_line();
        else
            add_broken();
    }
    if (below(4) == 0)
        add_broken();
    for (size_t mutations = below(12) == 0 ? 1 + below(4) : 0; mutations > 0; mutations--)
        stream[10 + below(stream_size - 9) - 1] = (uint8_t)random_next(&state);
}

// ---- replies -----------------------------------------------------------------------------------------------------

static size_t exchange(size_t piece_max, size_t read_max, uint8_t *replies) {
    struct serve_tcp *tcp = fake_connect(PORT);
    size_t size = 0, part;
    for (size_t at = 0; at < stream_size;) {
        size_t piece = 1 + below(piece_max);
        piece = piece < stream_size - at ? piece : stream_size - at;
        // A copy that ends where it ends; what the server leaves unread comes again.
        fake_deliver(tcp, stream + at, piece);
        at += piece;
        kv_fake_end_batch();
        do {
            part = fake_read(tcp, replies + size, read_max);
            size += part;
            if (size > REPLIES_MAX - (1 << 20))
                panic("more replies than there is room for");
        } while (part > 0);
    }
    fake_deliver_end(tcp);
    while ((part = fake_read(tcp, replies + size, read_max)) > 0)
        size += part;
    kv_fake_end_batch();
    if (!fake_is_closed(tcp))
        panic("the connection stays open");
    // A connection that could not be kept ends, in the middle of a reply it may be.
    if (fake_is_aborted(tcp))
        size = 0;
    fake_release(tcp);
    return size;
}

static const uint8_t *skip_reply(const uint8_t *at, const uint8_t *end) {
    const uint8_t *line = at;
    while (at < end && *at != '\r')
        at++;
    if (end - at < 2 || at[1] != '\n' || at == line)
        return NULL;
    at += 2;
    long number = strtol((const char *)line + 1, NULL, 10);
    switch (*line) {
    case '+':
    case '-':
    case ':':
        return at;
    case '$':
        if (number == -1)
            return at;
        return number < 0 || end - at < number + 2 || memcmp(at + number, "\r\n", 2) != 0 ? NULL : at + number + 2;
    case '*':
        for (; at != NULL && number > 0; number--)
            at = skip_reply(at, end);
        return at;
    default:
        return NULL;
    }
}

static void check_replies(const uint8_t *replies, size_t size) {
    const uint8_t *at = replies, *end = replies + size;
    refused += size > 4 && memmem(replies, size, "-OOM", 4) != NULL;
    while (at != NULL && at < end)
        at = skip_reply(at, end);
    if (at == NULL)
        panic("a malformed reply");
}

static void carry_out(const void *request, size_t size) {
    char reply[64];
    struct serve_tcp *tcp = fake_connect(PORT);
    fake_deliver(tcp, request, size);
    kv_fake_end_batch();
    fake_read(tcp, reply, sizeof reply);
    fake_deliver_end(tcp);
    if (!fake_is_closed(tcp))
        panic("the connection stays open");
    fake_release(tcp);
}

// Takes all keys away; the room for a request's words is as large as it is kept at most.
static void clear_all(void) {
    enum { WORDS = 8192 };
    static char many[WORDS * 8];
    if (many[0] == '\0') {
        size_t size = (size_t)sprintf(many, "*%d\r\n$3\r\nDEL\r\n", WORDS);
        for (int i = 1; i < WORDS; i++)
            size += (size_t)sprintf(many + size, "$1\r\na\r\n");
    }
    carry_out(many, strlen(many));
    carry_out("FLUSHALL\r\n", 10);
    while (!value_free_more(true))
        continue;
}

int main(int argc, char **argv) {
    static const size_t send_buffers[] = {8192, 10000, 131072};
    if (argc != 4)
        return 2;
    state = strtoull(argv[1], NULL, 0);
    kv_fake.entropy = state;
    unsigned long count = strtoul(argv[2], NULL, 0);
    heap_size = strtoul(argv[3], NULL, 0) * 1024;
    kv_fake.wall_ns = 1700000000 * NS_PER_S;
    fake_reset((uint32_t)send_buffers[below(COUNT_OF(send_buffers))]);
    if (!server_start(malloc(heap_size), heap_size, "storage", PORT))
        return 1;
    server.memory_max = heap_size;
    clear_all();
    size_t used = heap_used();
    for (unsigned long i = 0; i < count; i++) {
        make_stream();
        size_t first_size = exchange(STREAM_MAX, REPLIES_MAX / 2, first);
        check_replies(first, first_size);
        clear_all();
        size_t piece_max = 1 + below(below(2) == 0 ? 20 : 70000), read_max = 1 + below(below(2) == 0 ? 300 : 100000);
        if (stream_size / piece_max > 20000)
            piece_max = stream_size / 20000;
        if (first_size / read_max > 50000)
            read_max = first_size / 50000;
        size_t second_size = exchange(piece_max, read_max, second);
        check_replies(second, second_size);
        bool same = first_size == second_size && memcmp(first, second, first_size) == 0;
        if (!same && heap_size >= HEAP_BYTES_AMPLE)
            panic("other cuts, other replies");
        clear_all();
        if (heap_used() > used + 64 || clients != NULL)
            panic("memory that does not come back");
    }
    printf("%lu streams, memory ended in %lu\n", count, refused);
    return broken == 0 || requests == 0;
}
