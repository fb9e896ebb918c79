// Makes tar archives, breaks them, and has the web server read them: it serves them, or ends with a line that says what
// is wrong; then every path that was in the archive is asked for.
//
//   tar_fuzz SEED COUNT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_serve.h"
#include "fake_solo5.h"
#include "random.h"
#include "servers/httpd/server.h"

#define HTTP_PORT 80
#define ARCHIVE_BYTES_MAX 65536
#define HEAP_BYTES (2u << 20)

static const char *const names[] = {"index.html", "./a/b/c.txt", "a/../../etc", "/abs", "dir/",
                                    "",           "a//b",        ".",           "long"};
static const char *const records[] = {
    "21 path=pax/name.txt\n", "12 size=100\n", "11 mtime=1\n", "18 mtime=12.34567\n", "9 size=1\n", "0 x=\n",
    "30 path=", "99999999999999999999 path=a\n", "12 path=../x\n", "13 mtime=-5.5\n", "7 a=bc",
    "28 size=1844674407370955161\n",
};

static struct server server;
static struct connection slots[1];
static uint64_t state;
static uint8_t archive[ARCHIVE_BYTES_MAX];
static uint8_t heap_bytes[HEAP_BYTES];

static void seal(uint8_t *header) {
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
}

static size_t add_entry(size_t size) {
    static const char kinds[] = "000005123xLKg7";
    char content[300] = "";
    uint8_t *header = archive + size;
    const char *name = names[random_below(&state, COUNT_OF(names))];
    char kind = kinds[random_below(&state, sizeof kinds - 1)];
    size_t content_size = random_below(&state, sizeof content);
    memset(header, 0, 512);
    if (strcmp(name, "long") == 0)
        memset(header, 'n', 100);
    else
        strcpy((char *)header, name);
    if (kind == 'x' || kind == 'g') {
        content_size = 0;
        for (size_t i = random_below(&state, 4); i > 0; i--) {
            strcpy(content + content_size, records[random_below(&state, COUNT_OF(records))]);
            content_size += strlen(content + content_size);
        }
    } else {
        memset(content, 'c', content_size);
    }
    snprintf((char *)header + 124, 12, "%011zo", content_size);
    if (random_below(&state, 20) == 0)
        memset(header + 124, random_below(&state, 2) == 0 ? 0xff : 0x80, 11);
    snprintf((char *)header + 136, 12, "%011o", 1000000000u);
    header[156] = (uint8_t)kind;
    strcpy((char *)header + 157, names[random_below(&state, COUNT_OF(names))]);
    memcpy(header + 257, random_below(&state, 2) == 0 ? "ustar\0" "00" : "ustar  ", 8);
    if (random_below(&state, 10) == 0)
        memset(header + 345, 'p', 155);
    seal(header);
    memcpy(header + 512, content, content_size);
    return size + 512 + (content_size + 511) / 512 * 512;
}

static size_t make_archive(void) {
    size_t size = 0, entries = 1 + random_below(&state, 8);
    memset(archive, 0, sizeof archive);
    for (size_t i = 0; i < entries; i++)
        size = add_entry(size);
    if (random_below(&state, 3) == 0) {
        size_t at = random_below(&state, size);
        archive[at] = (uint8_t)random_next(&state);
        if (random_below(&state, 2) == 0)
            seal(archive + at / 512 * 512);
    }
    return random_below(&state, 4) == 0 ? size : size + 1024;
}

static void ask(const char *path) {
    static char answer[ARCHIVE_BYTES_MAX + 4096];
    char request[200];
    struct serve_tcp *tcp = fake_connect(HTTP_PORT);
    int size = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    fake_deliver(tcp, request, (size_t)size);
    fake_deliver_end(tcp);
    size_t count = fake_read(tcp, answer, sizeof answer);
    if (count < 16 || memcmp(answer, "HTTP/1.1 ", 9) != 0 || !fake_is_closed(tcp)) {
        fprintf(stderr, "tar_fuzz: no answer for %s\n", path);
        abort();
    }
    fake_release(tcp);
}

static bool serve(size_t size, size_t block_size) {
    struct arena heap = {(uintptr_t)heap_bytes, (uintptr_t)heap_bytes + sizeof heap_bytes};
    fake_solo5.block_name = "content";
    fake_solo5.block_bytes = archive;
    fake_solo5.block_size = block_size;
    fake_solo5.block_capacity = (size + block_size - 1) / block_size * block_size;
    fake_solo5.console_size = 0;
    if (setjmp(fake_solo5.on_exit) != 0) {
        if (fake_solo5.console_size > 0 && strchr(fake_solo5.console, '\n') != NULL)
            return false;
        fprintf(stderr, "tar_fuzz: an archive refused without a word\n");
        abort();
    }
    fake_reset(32768);
    content_open(&server.content, &heap);
    server.content.cache_bytes = 100000;
    if (!server_start(&server, slots, 1, HTTP_PORT))
        abort();
    for (size_t i = 0; i < COUNT_OF(names); i++)
        ask(names[i]);
    ask("pax/name.txt");
    return true;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    state = strtoull(argv[1], NULL, 0);
    unsigned long runs = strtoul(argv[2], NULL, 0), served = 0;
    server.idle_ns = 60 * NS_PER_S;
    server.request_ns = 10 * NS_PER_S;
    fake_solo5.wall_ns = 1700000000 * NS_PER_S;
    for (unsigned long run = 0; run < runs; run++)
        served += serve(make_archive(), run % 2 == 0 ? 512 : 4096);
    printf("%lu archives, %lu of them served\n", runs, served);
    return 0;
}
