// Feeds the name server with queries, whole and broken, over UDP and TCP, and with broken zone files, and checks:
//   - a response is well-formed to its last byte, no longer than the client takes, and answers this query;
//   - a response over UDP that is not truncated is the same as over TCP;
//   - however a stream of queries is cut, the same responses come, and then the connection closes;
//   - a zone file is read, or refused with a line that it has.
//
//   dnsd_fuzz SEED COUNT ZONE_FILE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_serve.h"
#include "fake_solo5.h"
#include "random.h"
#include "servers/dnsd/query.h"
#include "servers/dnsd/server.h"
#include "servers/dnsd/zone_file.h"

#define DNS_PORT 53
#define CONNECTIONS 2
#define HEAP_BYTES (8u << 20)
#define MESSAGE_BYTES_MAX 1024
#define STREAM_BYTES_MAX 65536
#define ANSWER_BYTES_MAX (4u << 20)

static const char *const names[] = {
    "", "com", "example.com", "www.example.com", "WwW.eXample.COM", "alias1.example.com", "outward.example.com",
    "dangling.example.com", "sub-alias.example.com", "wild-alias.example.com", "loop1.example.com",
    "selfish.example.com",
    "ent.example.com", "b.ent.example.com", "_sip._tcp.example.com", "x.wild.example.com", "a.b.wild.example.com",
    "host.wild.example.com", "a.host.wild.example.com", "under.wild.example.com", "*.wild.example.com",
    "x.alias-wild.example.com", "x.mx-wild.example.com", "sub.example.com", "host.sub.example.com", "lame.example.com",
    "a.deep.er.example.com", "er.example.com", "big.example.com", "many.example.com", "unknown.example.com",
    "mail.example.com", "no.such.name.example.com", "example.net", "example.co", "xexample.com",
    "mixedcase.NAME.example.com",
};
static const uint16_t types[] = {1,  2,  5,  6,  12, 13,  15,  16,  17,  28,  33,
                                 35, 41, 43, 44, 52, 250, 251, 252, 255, 257, 731};

static struct server server;
static struct connection slots[CONNECTIONS];
static uint64_t state;
static unsigned long answered, zones, zones_read;

static void panic(const char *what, const uint8_t *bytes, size_t size) {
    fprintf(stderr, "dnsd_fuzz: %s, after these %zu bytes:\n", what, size);
    for (size_t i = 0; i < size; i++)
        fprintf(stderr, "%02x", bytes[i]);
    fprintf(stderr, "\n");
    abort();
}

// ---- queries -----------------------------------------------------------------------------------------------------

static size_t make_query(uint8_t *to) {
    const char *name = names[random_below(&state, COUNT_OF(names))];
    size_t size = HEADER_BYTES;
    memset(to, 0, HEADER_BYTES);
    store_be16(to, (uint16_t)random_next(&state));
    store_be16(to + 2, random_below(&state, 2) == 0 ? 0x0100 : 0);
    store_be16(to + 4, 1);
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        to[size++] = (uint8_t)label;
        memcpy(to + size, name, label);
        size += label;
        name += label + (name[label] == '.');
    }
    to[size++] = 0;
    store_be16(to + size, types[random_below(&state, COUNT_OF(types))]);
    store_be16(to + size + 2, random_below(&state, 20) == 0 ? 255 : 1);
    size += 4;
    if (random_below(&state, 2) == 0) {
        static const uint16_t sizes[] = {0, 512, 600, 1232, 4096, 65535};
        memset(to + size, 0, 11);
        store_be16(to + size + 1, 41);
        store_be16(to + size + 3, sizes[random_below(&state, COUNT_OF(sizes))]);
        to[size + 6] = random_below(&state, 20) == 0;
        store_be16(to + 10, 1);
        size += 11;
    }
    return size;
}

static size_t mutate(uint8_t *bytes, size_t size) {
    size_t at = random_below(&state, size + 1), cut;
    switch (random_below(&state, 5)) {
    case 0:
        if (at < size)
            bytes[at] = (uint8_t)random_next(&state);
        return size;
    case 1:
        if (at < size)
            bytes[at] ^= (uint8_t)(1u << random_below(&state, 8));
        return size;
    case 2:
        cut = random_below(&state, 8);
        cut = cut < size - at ? cut : size - at;
        memmove(bytes + at, bytes + at + cut, size - at - cut);
        return size - cut;
    case 3:
        if (size == MESSAGE_BYTES_MAX)
            return size;
        memmove(bytes + at + 1, bytes + at, size - at);
        bytes[at] = random_below(&state, 2) == 0 ? 0xc0 : (uint8_t)random_next(&state);
        return size + 1;
    default:
        return random_below(&state, 4) == 0 ? at : size;
    }
}

// ---- responses ---------------------------------------------------------------------------------------------------

// Skips a name whose pointers lead backwards only; SIZE_MAX: malformed.
static size_t skip_name(const uint8_t *message, size_t size, size_t at) {
    size_t end = 0, limit = at, length = 1;
    for (;;) {
        if (at >= size)
            return SIZE_MAX;
        uint8_t first = message[at];
        if (first == 0)
            return end != 0 ? end : at + 1;
        if (first >= 0xc0) {
            if (at + 1 >= size)
                return SIZE_MAX;
            size_t target = load_be16(message + at) & 0x3fff;
            if (end == 0)
                end = at + 2;
            if (target >= limit || target < HEADER_BYTES)
                return SIZE_MAX;
            limit = at = target;
            continue;
        }
        length += 1u + first;
        if (first > 63 || length > 255)
            return SIZE_MAX;
        at += 1u + first;
    }
}

static void check_response(const uint8_t *query, size_t query_size, const uint8_t *answer, size_t size, size_t most) {
    if (size < HEADER_BYTES || size > most)
        panic("a response of a wrong size", query, query_size);
    uint16_t flags = load_be16(answer + 2), code = flags & 15;
    if (memcmp(answer, query, 2) != 0 || (flags & 0x8000) == 0 || (flags & 0x00f0) != 0 || code > 5 || code == 2 ||
        ((flags ^ load_be16(query + 2)) & 0x7900) != 0)
        panic("a response with a wrong header", query, query_size);
    size_t at = HEADER_BYTES, questions = load_be16(answer + 4);
    size_t records = (size_t)load_be16(answer + 6) + load_be16(answer + 8) + load_be16(answer + 10);
    if (questions == 1) {
        at = skip_name(answer, size, at);
        if (at == SIZE_MAX || at + 4 > size ||
            memcmp(query + HEADER_BYTES, answer + HEADER_BYTES, at + 4 - HEADER_BYTES) != 0)
            panic("a response with another question", query, query_size);
        at += 4;
    }
    for (; records > 0; records--) {
        at = skip_name(answer, size, at);
        if (at == SIZE_MAX || at + 10 > size)
            panic("a response with a malformed record", query, query_size);
        uint16_t type = load_be16(answer + at);
        size_t data_size = load_be16(answer + at + 8), data = at + 10;
        at = data + data_size;
        bool is_name = type == 2 || type == 5 || type == 12, is_exchange = type == 15;
        size_t name_at = is_exchange ? data + 2 : data;
        bool is_whole = !(is_name || is_exchange) || skip_name(answer, size, name_at) == at;
        if (at > size || !is_whole || (type == 1 && data_size != 4))
            panic("a response with malformed data", query, query_size);
    }
    if (at != size || questions > 1)
        panic("a response with more than it says", query, query_size);
}

static void try_query(const uint8_t *query, size_t size) {
    static uint8_t udp[UDP_BYTES_MAX], tcp[TCP_BYTES_MAX];
    struct transport over_tcp = {.is_tcp = true, .udp_bytes = server.udp_bytes};
    uint8_t *copy = malloc(size);
    memcpy(copy, query, size);
    size_t tcp_size = answer(&server.zone, &over_tcp, copy, size, tcp);
    free(copy);
    long udp_size = fake_datagram(DNS_PORT, query, size, udp, sizeof udp);
    if ((tcp_size == 0) != (udp_size < 0))
        panic("UDP and TCP disagree on whether to answer", query, size);
    if (tcp_size == 0)
        return;
    answered += (tcp[3] & 15) == 0;
    check_response(query, size, tcp, tcp_size, TCP_BYTES_MAX);
    check_response(query, size, udp, (size_t)udp_size, server.udp_bytes);
    bool is_truncated = (udp[2] & 2) != 0;
    bool fits_all = tcp_size <= 512;
    if (fits_all && (is_truncated || memcmp(udp, tcp, tcp_size) != 0))
        panic("UDP and TCP answer differently", query, size);
    bool same_answers = memcmp(udp + 6, tcp + 6, 4) == 0; // additional records alone may be left out
    if (!is_truncated && !same_answers)
        panic("UDP answers less and does not say so", query, size);
}

// ---- streams -----------------------------------------------------------------------------------------------------

static size_t make_stream(uint8_t *stream) {
    uint8_t query[MESSAGE_BYTES_MAX + 16];
    size_t size = 0, queries = random_below(&state, 200);
    for (size_t i = 0; i < queries; i++) {
        size_t query_size = make_query(query);
        if (random_below(&state, 10) == 0)
            query_size = mutate(query, query_size);
        store_be16(stream + size, (uint16_t)query_size);
        memcpy(stream + size + 2, query, query_size);
        size += 2 + query_size;
    }
    return random_below(&state, 20) == 0 ? mutate(stream, size < MESSAGE_BYTES_MAX ? size : MESSAGE_BYTES_MAX) : size;
}

static size_t exchange(const uint8_t *stream, size_t count, size_t piece_max, bool is_slow, uint8_t *received) {
    struct serve_tcp *tcp = fake_connect(DNS_PORT);
    size_t size = 0;
    for (size_t at = 0; at < count;) {
        size_t piece = 1 + random_below(&state, piece_max);
        piece = piece < count - at ? piece : count - at;
        fake_deliver(tcp, stream + at, piece);
        at += piece;
        if (!is_slow)
            size += fake_read(tcp, received + size, ANSWER_BYTES_MAX - size);
    }
    fake_deliver_end(tcp);
    for (size_t part = 1; part > 0; size += part)
        part = fake_read(tcp, received + size, 1 + random_below(&state, 5000));
    if (!fake_is_closed(tcp))
        panic("the connection stays open", stream, count);
    fake_release(tcp);
    return size;
}

static void try_stream(void) {
    static uint8_t stream[STREAM_BYTES_MAX], first[ANSWER_BYTES_MAX], second[ANSWER_BYTES_MAX];
    size_t count = make_stream(stream);
    size_t first_count = exchange(stream, count, STREAM_BYTES_MAX, false, first);
    size_t second_count = exchange(stream, count, 1 + random_below(&state, 60), random_below(&state, 2) == 0, second);
    if (first_count != second_count || memcmp(first, second, first_count) != 0)
        panic("other cuts, other responses", stream, count);
}

// ---- zone files --------------------------------------------------------------------------------------------------

static const char *const words[] = {
    "(", ")", "\"", "\\", ";", "\n", " ", "@", "$ORIGIN", "$TTL", "$INCLUDE", "IN", "CH", "A", "AAAA", "SOA", "NS",
    "MX", "TXT", "CNAME", "TYPE1", "TYPE65535", "\\# 3 aabbcc", "\\256", "\\", "1w2d3h", "4294967296", "*", "*.*", ".",
    "..", "::",
    "1.2.3.4", "::1.2.3.4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

static size_t mutate_text(char *text, size_t size, size_t room) {
    char piece[80];
    size_t at = random_below(&state, size + 1), piece_size, cut = 0;
    const char *word = words[random_below(&state, COUNT_OF(words))];
    switch (random_below(&state, 5)) {
    case 0:
        if (at < size)
            text[at] = (char)random_next(&state);
        return size;
    case 1:
        cut = random_below(&state, 30);
        piece_size = 0;
        break;
    case 2: // a line twice
        piece_size = strcspn(text + at, "\n") + 1;
        piece_size = piece_size < sizeof piece && piece_size <= size - at ? piece_size : 0;
        memcpy(piece, text + at, piece_size);
        break;
    default:
        piece_size = strlen(word);
        memcpy(piece, word, piece_size);
    }
    cut = cut < size - at ? cut : size - at;
    if (size - cut + piece_size > room)
        return size;
    memmove(text + at + piece_size, text + at + cut, size - at - cut);
    memcpy(text + at, piece, piece_size);
    return size - cut + piece_size;
}

static void try_zone(const char *original, size_t original_size) {
    static uint8_t heap_bytes[1u << 20], response[TCP_BYTES_MAX];
    static struct zone zone;
    size_t room = original_size + 1000, size = original_size, mutations = 1 + random_below(&state, 4);
    char *text = malloc(room + 1), *exact;
    memcpy(text, original, size);
    for (size_t i = 0; i < mutations; i++) {
        text[size] = '\n';
        size = mutate_text(text, size, room);
    }
    exact = malloc(size);
    memcpy(exact, text, size);
    free(text);
    struct arena heap = {(uintptr_t)heap_bytes, (uintptr_t)heap_bytes + sizeof heap_bytes};
    struct zone_error error;
    bool is_read = zone_read(&zone, &heap, exact, size, NULL, &error);
    unsigned lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += exact[i] == '\n';
    if (!is_read && (error.line > lines || error.text[0] == '\0' || strlen(error.text) >= sizeof error.text))
        panic("a zone file refused without saying where", (uint8_t *)exact, size);
    free(exact);
    zones++;
    zones_read += is_read;
    for (int i = 0; is_read && i < 20; i++) {
        struct transport over_tcp = {.is_tcp = true, .udp_bytes = 1232};
        uint8_t query[MESSAGE_BYTES_MAX];
        size_t query_size = make_query(query);
        size_t answer_size = answer(&zone, &over_tcp, query, query_size, response);
        check_response(query, query_size, response, answer_size, TCP_BYTES_MAX);
    }
}

// ---- all of it ---------------------------------------------------------------------------------------------------

int main(int argc, char **argv) {
    static char text[65536];
    if (argc != 4)
        return 2;
    state = strtoull(argv[1], NULL, 0);
    unsigned long runs = strtoul(argv[2], NULL, 0);
    FILE *file = fopen(argv[3], "rb");
    if (file == NULL)
        return 2;
    size_t text_size = fread(text, 1, sizeof text, file);
    fclose(file);
    void *memory = malloc(HEAP_BYTES);
    struct arena heap = {(uintptr_t)memory, (uintptr_t)memory + HEAP_BYTES};
    struct zone_error error;
    fake_reset(4096);
    server.udp_bytes = UDP_BYTES_DEFAULT;
    if (!zone_read(&server.zone, &heap, text, text_size, NULL, &error)) {
        fprintf(stderr, "dnsd_fuzz: line %u: %s\n", error.line, error.text);
        return 1;
    }
    if (!server_start(&server, slots, CONNECTIONS, DNS_PORT))
        return 1;
    for (unsigned long run = 0; run < runs; run++) {
        uint8_t query[MESSAGE_BYTES_MAX + 16];
        size_t size = make_query(query), mutations = random_below(&state, 4);
        for (size_t i = 0; i < mutations; i++)
            size = mutate(query, size);
        try_query(query, size);
        if (run % 100 == 0)
            try_stream();
        if (run % 10 == 0)
            try_zone(text, text_size);
    }
    printf("%lu queries, %lu answered, %lu zones, %lu read\n", runs, answered, zones, zones_read);
    free(memory);
    return 0;
}
