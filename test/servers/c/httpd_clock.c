// What the web server does as time passes, with time that the test lets pass. Prints a line for each expectation that
// fails, and ends with their number.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_serve.h"
#include "fake_solo5.h"
#include "servers/httpd/server.h"

#define HTTP_PORT 80
#define START_S 1700000000ull // Tue, 14 Nov 2023 22:13:20 GMT
#define HEAP_BYTES (1u << 20)

static struct server server;
static struct connection slots[2];
static char received[65536];
static int failures;

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            printf("line %d: %s\n", __LINE__, #condition); \
            failures++; \
        } \
    } while (0)

static void pass(uint64_t ms) {
    fake_solo5.wall_ns += ms * 1000000;
    fake_pass(ms * 1000000);
}

static void deliver(struct serve_tcp *tcp, const char *text) {
    fake_deliver(tcp, text, strlen(text));
}

// What came since the last call, terminated.
static const char *take(struct serve_tcp *tcp) {
    received[fake_read(tcp, received, sizeof received - 1)] = '\0';
    return received;
}

static bool answers(struct serve_tcp *tcp, const char *status) {
    return strncmp(take(tcp) + sizeof "HTTP/1.1 " - 1, status, 3) == 0;
}

static bool is_silent(struct serve_tcp *tcp) {
    return take(tcp)[0] == '\0';
}

static void end(struct serve_tcp *tcp) {
    fake_deliver_end(tcp);
    while (fake_read(tcp, received, sizeof received) > 0)
        ;
    EXPECT(fake_is_closed(tcp));
    fake_release(tcp);
}

static void test_partial_head(void) {
    struct serve_tcp *tcp = fake_connect(HTTP_PORT);
    pass(50000); // before its first byte a connection has the time of an idle one
    deliver(tcp, "GET / HTTP/1.1\r\n");
    pass(9000);
    deliver(tcp, "Host: a\r\n"); // the time counts from the request's start
    pass(999);
    EXPECT(is_silent(tcp) && !fake_is_shut(tcp));
    pass(1);
    EXPECT(answers(tcp, "408") && fake_is_shut(tcp));
    end(tcp);
}

static void test_requests_each_in_time(void) {
    struct serve_tcp *tcp = fake_connect(HTTP_PORT);
    deliver(tcp, "GET /hello.txt HTTP/1.1\r\nHo");
    for (int i = 0; i < 10; i++) {
        pass(6000);
        deliver(tcp, "st: a\r\n\r\nGET /hello.txt HTTP/1.1\r\nHo");
        EXPECT(answers(tcp, "200"));
    }
    pass(9999);
    EXPECT(is_silent(tcp));
    pass(1);
    EXPECT(answers(tcp, "408"));
    end(tcp);
}

static void test_partial_content(void) {
    struct serve_tcp *tcp = fake_connect(HTTP_PORT);
    deliver(tcp, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nx");
    EXPECT(answers(tcp, "405"));
    pass(9999);
    deliver(tcp, "yz");
    EXPECT(!fake_is_shut(tcp));
    pass(1);
    EXPECT(is_silent(tcp) && fake_is_shut(tcp));
    end(tcp);
}

static void test_content_in_time(void) {
    struct serve_tcp *tcp = fake_connect(HTTP_PORT);
    deliver(tcp, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    EXPECT(answers(tcp, "405"));
    for (const char *piece = "3\r\nabc\r\n"; *piece != '\0'; piece++) {
        char letter[2] = {*piece, '\0'};
        deliver(tcp, letter);
        pass(1000);
    }
    deliver(tcp, "0\r\n\r\nGE");
    pass(9999); // the next request has its own time
    deliver(tcp, "T /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(answers(tcp, "200"));
    end(tcp);
}

static void test_idle(void) {
    struct serve_tcp *tcp = fake_connect(HTTP_PORT);
    deliver(tcp, "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(answers(tcp, "200"));
    pass(59999);
    EXPECT(!fake_is_shut(tcp));
    pass(1);
    EXPECT(is_silent(tcp) && fake_is_closed(tcp));
    fake_release(tcp);
}

static void test_date(void) {
    struct serve_tcp *tcp = fake_connect(HTTP_PORT);
    fake_solo5.wall_ns = START_S * NS_PER_S + 600000000; // 0.6 s into a second
    pass(NS_PER_S / 1000000);                            // and a second on: what is kept is surely old
    unsigned reads = fake_solo5.wall_reads;
    for (int i = 0; i < 100; i++) {
        deliver(tcp, "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT(strstr(take(tcp), "\r\nDate: Tue, 14 Nov 2023 22:13:21 GMT\r\n") != NULL);
        pass(3);
    }
    EXPECT(fake_solo5.wall_reads == reads + 1);
    pass(100); // over the second's end
    deliver(tcp, "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(strstr(take(tcp), "\r\nDate: Tue, 14 Nov 2023 22:13:22 GMT\r\n") != NULL);
    EXPECT(fake_solo5.wall_reads == reads + 2);
    end(tcp);
}

static void test_leap_years(void) {
    static const struct {
        uint64_t seconds;
        const char *text;
    } dates[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
        {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    char text[DATE_BYTES];
    uint64_t seconds;
    for (size_t i = 0; i < COUNT_OF(dates); i++) {
        date_format(dates[i].seconds, text);
        EXPECT(memcmp(text, dates[i].text, DATE_BYTES) == 0);
        EXPECT(date_parse((struct slice){text, DATE_BYTES}, START_S, &seconds) && seconds == dates[i].seconds);
    }
    for (uint64_t day = 0; day < 200000; day++) {
        date_format(day * 86400 + 86399, text);
        EXPECT(date_parse((struct slice){text, DATE_BYTES}, START_S, &seconds) && seconds == day * 86400 + 86399);
    }
    date_format(253402300800, text); // the first second of 10000
    EXPECT(memcmp(text, "Fri, 31 Dec 9999 23:59:59 GMT", DATE_BYTES) == 0);
    EXPECT(date_parse(SLICE("Sunday, 06-Nov-73 08:49:37 GMT"), START_S, &seconds) && seconds == 3277183777); // 2073
    EXPECT(date_parse(SLICE("Tuesday, 06-Nov-74 08:49:37 GMT"), START_S, &seconds) && seconds == 152959777); // 1974
}

int main(void) {
    void *memory = malloc(HEAP_BYTES);
    struct arena heap = {(uintptr_t)memory, (uintptr_t)memory + HEAP_BYTES};
    fake_solo5.wall_ns = START_S * NS_PER_S;
    fake_reset(65536);
    server.idle_ns = 60 * NS_PER_S;
    server.request_ns = 10 * NS_PER_S;
    content_open(&server.content, &heap);
    if (!server_start(&server, slots, COUNT_OF(slots), HTTP_PORT))
        return 1;
    test_partial_head();
    test_requests_each_in_time();
    test_partial_content();
    test_content_in_time();
    test_idle();
    test_date();
    test_leap_years();
    free(memory);
    return failures > 0;
}
