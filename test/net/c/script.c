// Plays scripts of segments against the stack, in virtual time: what the peer sends, what the stack must answer, what
// the application does and is told. scripts/README.md tells the language.
//   script FILE [CASE]
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/checksum.h"
#include "net/tcp.h"

enum {
    WORDS_MAX = 40,
    TOLD_MAX = 64,
    FRAMES_MAX = 512,
    FRAME_BYTES_MAX = 1600,
    PEER_IPV4 = 0x0a000001,
    OWN_IPV4 = 0x0a000002,
    PEER_PORT = 4000,
    OWN_PORT = 80,
    PEER_ISS = 1000000,
    MEMORY_BYTES = 1 << 20,
};

struct frame {
    size_t bytes;
    uint8_t data[FRAME_BYTES_MAX];
};

static struct player {
    struct net net;
    uint64_t now_ns;
    struct frame in;
    bool in_waits;
    bool asked_for_address; // by ARP
    struct frame out[FRAMES_MAX];
    uint32_t out_count, out_at;
    char told[TOLD_MAX][64];
    uint32_t told_count, told_at;
    struct serve_tcp *tcp;
    uint32_t iss; // the stack's
    bool iss_known;
    uint32_t out_timestamp; // of the last segment from the stack
    bool abort_in_data;
    uint64_t take;          // bytes that on_data consumes; UINT64_MAX: all
    uint32_t in_stream, out_stream;
    uint16_t peer_port, own_port;
    const char *file, *case_name;
    int line;
    char text[512];
    void *memory;
} player;

static void fail_line(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: %s\n  %s\n  ", player.file, player.line, player.case_name, player.text);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void tell(const char *format, ...) {
    if (player.told_count == TOLD_MAX)
        fail_line("the application is told too much");
    va_list args;
    va_start(args, format);
    vsnprintf(player.told[player.told_count++], sizeof player.told[0], format, args);
    va_end(args);
}

// The device ----------------------------------------------------------------------------------------------------------

static bool read_frame(void *context, uint8_t *data, size_t room, size_t *bytes) {
    (void)context;
    if (!player.in_waits || player.in.bytes > room)
        return false;
    player.in_waits = false;
    memcpy(data, player.in.data, player.in.bytes);
    *bytes = player.in.bytes;
    return true;
}

static void write_frame(void *context, const uint8_t *data, size_t bytes) {
    (void)context;
    if (load_be16(data + 12) == ETHERNET_TYPE_ARP) {
        player.asked_for_address |= load_be16(data + 20) == 1 && load_be32(data + 38) == PEER_IPV4;
        return;
    }
    if (bytes > FRAME_BYTES_MAX || player.out_count == FRAMES_MAX)
        fail_line("too much is sent");
    struct frame *frame = &player.out[player.out_count++];
    frame->bytes = bytes;
    memcpy(frame->data, data, bytes);
}

// Makes the peer's Ethernet address known: asks for ours, as if it had something to send.
static void introduce_peer(void) {
    static const uint8_t request[] = {
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6, // to, from, ARP
        0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
    };
    memcpy(player.in.data, request, sizeof request);
    player.in.bytes = sizeof request;
    player.in_waits = true;
}

static void run_batch(void) {
    for (bool more = true; more;) {
        more = net_batch(&player.net, player.now_ns);
        if (player.asked_for_address) {
            player.asked_for_address = false;
            introduce_peer();
            more = true;
        }
    }
}

static void put_frame(const uint8_t *data, size_t bytes) {
    memcpy(player.in.data, data, bytes);
    player.in.bytes = bytes;
    player.in_waits = true;
    run_batch();
}

// The application -----------------------------------------------------------------------------------------------------

static uint8_t stream_byte(uint32_t at) {
    return (uint8_t)(at * 31 + (at >> 8));
}

static void on_open(struct serve_tcp *tcp) {
    player.tcp = tcp;
    tell("open");
}

// Aborts the connection, and then writes to all memory that is free.
static void abort_and_scribble(struct serve_tcp *tcp) {
    serve_tcp_abort(tcp);
    struct pool *pool = &player.net.pool;
    void *units[MEMORY_BYTES / POOL_UNIT_BYTES];
    uint32_t count = 0;
    while ((units[count] = pool_take(pool, POOL_UNIT_BYTES)) != NULL)
        memset(units[count++], 0xee, POOL_UNIT_BYTES);
    while (count > 0)
        pool_give(pool, units[--count], POOL_UNIT_BYTES);
}

static size_t on_data(struct serve_tcp *tcp, const uint8_t *bytes, size_t count) {
    if (player.abort_in_data)
        abort_and_scribble(tcp);
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != stream_byte(player.in_stream + (uint32_t)i))
            fail_line("byte %zu is wrong", player.in_stream + i);
    size_t consumed = count < player.take ? count : (size_t)player.take;
    if (player.take != UINT64_MAX)
        player.take -= consumed;
    player.in_stream += (uint32_t)consumed;
    tell("data %zu", count);
    return consumed;
}

static void on_eof(struct serve_tcp *tcp) {
    (void)tcp;
    tell("eof");
}

static void on_writable(struct serve_tcp *tcp) {
    (void)tcp;
    tell("writable");
}

static void on_closed(struct serve_tcp *tcp, enum serve_closed reason) {
    static const char *const reasons[] = {"done", "reset", "refused", "timeout", "aborted"};
    (void)tcp;
    player.tcp = NULL;
    tell("closed %s", reasons[reason]);
}

static const struct serve_tcp_callbacks callbacks = {
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_writable = on_writable,
    .on_closed = on_closed,
};

// Setup ---------------------------------------------------------------------------------------------------------------

static void begin_case(uint32_t connections_max) {
    free(player.memory);
    const char *file = player.file, *name = player.case_name;
    int line = player.line;
    memset(&player, 0, sizeof player);
    player.file = file;
    player.case_name = name;
    player.line = line;
    player.memory = malloc(MEMORY_BYTES);
    player.now_ns = 100 * NS_PER_S;
    player.take = UINT64_MAX;
    player.peer_port = PEER_PORT;
    player.own_port = OWN_PORT;
    struct net_config config = {
        .device = {.read = read_frame, .write = write_frame},
        .ethernet = {{2, 0, 0, 0, 0, 2}},
        .device_mtu = 1500,
        .mtu = 1500,
        .ipv4 = OWN_IPV4,
        .ipv4_mask = 0xffffff00,
        .connections_max = connections_max,
        .receive_buffer_bytes = 32768,
        .send_buffer_bytes = 65536,
        .memory = player.memory,
        .memory_bytes = MEMORY_BYTES,
        .secret = {1, 2},
        .now_ns = player.now_ns,
    };
    if (!net_init(&player.net, &config))
        fail_line("net_init failed");
    introduce_peer();
    run_batch();
}

// Words ---------------------------------------------------------------------------------------------------------------

struct words {
    char *word[WORDS_MAX];
    uint32_t count, at;
};

static struct words split(char *text) {
    struct words words = {0};
    for (char *word = strtok(text, " \n"); word && words.count < WORDS_MAX; word = strtok(NULL, " \n"))
        words.word[words.count++] = word;
    return words;
}

static const char *next_of(struct words *words) {
    if (words->at == words->count)
        fail_line("a word is missing");
    return words->word[words->at++];
}

static uint32_t number_of(const char *word) {
    char *end;
    long number = strtol(word, &end, 10);
    if (end == word || *end != '\0')
        fail_line("'%s' is no number", word);
    return (uint32_t)number;
}

static uint32_t next_number(struct words *words) {
    return number_of(next_of(words));
}

static uint8_t flags_of(const char *text) {
    uint8_t flags = 0;
    for (; *text; text++)
        flags |= *text == 'S'   ? TCP_SYN
                 : *text == 'A' ? TCP_ACK
                 : *text == 'F' ? TCP_FIN
                 : *text == 'R' ? TCP_RST
                 : *text == 'P' ? TCP_PSH
                                : 0;
    return flags;
}

// A segment as a line tells it; numbers are relative to the first of each side.
struct wanted {
    uint8_t flags;
    uint32_t begin, length;
    bool anywhere;
    bool has_ack, has_window, has_mss, has_scale, has_sackok, has_timestamp, has_sacks, has_echo;
    uint32_t ack, window, mss, scale, timestamp, echo;
    uint32_t sacks;
    struct sequence_range sack[4];
};

static void read_range(const char *text, char separator, uint32_t *a, uint32_t *b) {
    char copy[64];
    snprintf(copy, sizeof copy, "%s", text);
    char *cut = strchr(copy, separator);
    *b = 0;
    if (cut) {
        *cut = '\0';
        *b = number_of(cut + 1);
    }
    *a = number_of(copy);
}

static struct wanted read_segment(struct words *words) {
    struct wanted wanted = {.flags = flags_of(next_of(words))};
    const char *place = next_of(words);
    if (strcmp(place, "?") == 0)
        wanted.anywhere = true;
    else
        read_range(place, '+', &wanted.begin, &wanted.length);
    while (words->at < words->count) {
        const char *word = next_of(words);
        if (strcmp(word, "ack") == 0) {
            wanted.has_ack = true;
            wanted.ack = next_number(words);
        } else if (strcmp(word, "win") == 0) {
            wanted.has_window = true;
            wanted.window = next_number(words);
        } else if (strcmp(word, "mss") == 0) {
            wanted.has_mss = true;
            wanted.mss = next_number(words);
        } else if (strcmp(word, "scale") == 0) {
            wanted.has_scale = true;
            wanted.scale = next_number(words);
        } else if (strcmp(word, "sackok") == 0) {
            wanted.has_sackok = true;
        } else if (strcmp(word, "time") == 0) {
            wanted.has_timestamp = true;
            wanted.timestamp = next_number(words);
        } else if (strcmp(word, "echo") == 0) {
            wanted.has_echo = true;
            wanted.echo = next_number(words);
        } else if (strcmp(word, "sack") == 0) {
            wanted.has_sacks = true;
            while (words->at < words->count && strchr(words->word[words->at], '-') && wanted.sacks < 4) {
                struct sequence_range *range = &wanted.sack[wanted.sacks++];
                read_range(next_of(words), '-', &range->begin, &range->end);
            }
        } else {
            fail_line("'%s' is not understood", word);
        }
    }
    return wanted;
}

// What the peer sends -------------------------------------------------------------------------------------------------

static size_t put_options(uint8_t *at, const struct wanted *wanted) {
    uint8_t *begin = at;
    if (wanted->has_mss) {
        *at++ = 2, *at++ = 4;
        store_be16(at, (uint16_t)wanted->mss), at += 2;
    }
    if (wanted->has_sackok)
        *at++ = 4, *at++ = 2;
    if (wanted->has_timestamp) {
        *at++ = 8, *at++ = 10;
        store_be32(at, wanted->timestamp), at += 4;
        // Without a word on it, what the stack sent last is echoed.
        store_be32(at, wanted->has_echo ? wanted->echo : player.out_timestamp), at += 4;
    }
    if (wanted->has_scale)
        *at++ = 3, *at++ = 3, *at++ = (uint8_t)wanted->scale;
    if (wanted->sacks > 0) {
        *at++ = 5, *at++ = (uint8_t)(2 + 8 * wanted->sacks);
        for (uint32_t i = 0; i < wanted->sacks; i++) {
            store_be32(at, player.iss + wanted->sack[i].begin), at += 4;
            store_be32(at, player.iss + wanted->sack[i].end), at += 4;
        }
    }
    while ((at - begin) % 4 != 0)
        *at++ = 1;
    return (size_t)(at - begin);
}

static void send_segment(const struct wanted *wanted) {
    uint8_t data[FRAME_BYTES_MAX] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    uint8_t *ip = data + ETHERNET_HEADER_BYTES, *tcp = ip + IPV4_HEADER_BYTES;
    size_t header_bytes = TCP_HEADER_BYTES + put_options(tcp + TCP_HEADER_BYTES, wanted);
    size_t segment_bytes = header_bytes + wanted->length;
    ip[0] = 0x45, ip[8] = 64, ip[9] = IPV4_TCP;
    store_be16(ip + 2, (uint16_t)(IPV4_HEADER_BYTES + segment_bytes));
    store_be32(ip + 12, PEER_IPV4);
    store_be32(ip + 16, OWN_IPV4);
    checksum_store(ip + 10, checksum_finish(checksum_add(0, ip, IPV4_HEADER_BYTES)));
    store_be16(tcp, player.peer_port);
    store_be16(tcp + 2, player.own_port);
    store_be32(tcp + 4, PEER_ISS + wanted->begin);
    store_be32(tcp + 8, wanted->has_ack ? player.iss + wanted->ack : 0);
    tcp[12] = (uint8_t)(header_bytes / 4 << 4);
    tcp[13] = wanted->flags;
    store_be16(tcp + 14, (uint16_t)(wanted->has_window ? wanted->window : 32768));
    for (uint32_t i = 0; i < wanted->length; i++)
        tcp[header_bytes + i] = stream_byte(wanted->begin - 1 + i);
    uint64_t sum = checksum_pseudo(PEER_IPV4, OWN_IPV4, IPV4_TCP, segment_bytes);
    checksum_store(tcp + 16, checksum_finish(checksum_add(sum, tcp, segment_bytes)));
    put_frame(data, ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + segment_bytes);
}

// What the stack sends ------------------------------------------------------------------------------------------------

static struct tcp_segment parse_sent(const struct frame *frame) {
    static struct net scratch; // its counters alone are used
    const uint8_t *ip = frame->data + ETHERNET_HEADER_BYTES;
    struct ipv4_packet packet = {
        .from = load_be32(ip + 12),
        .to = load_be32(ip + 16),
        .payload = ip + IPV4_HEADER_BYTES,
        .payload_bytes = (size_t)load_be16(ip + 2) - IPV4_HEADER_BYTES,
    };
    struct tcp_segment segment;
    if (ip[9] != IPV4_TCP || packet.to != PEER_IPV4 || !tcp_parse(&scratch, &packet, &segment))
        fail_line("something else than a segment was sent, or its checksum is wrong");
    return segment;
}

static const char *describe(const struct tcp_segment *segment) {
    static char text[256];
    snprintf(text, sizeof text, "%s%s%s%s%s %u+%u ack %d win %u, %u blocks", segment->flags & TCP_SYN ? "S" : "",
             segment->flags & TCP_FIN ? "F" : "", segment->flags & TCP_RST ? "R" : "",
             segment->flags & TCP_PSH ? "P" : "", segment->flags & TCP_ACK ? "A" : "", segment->begin - player.iss,
             segment->data_bytes, (int)(segment->ack - PEER_ISS), segment->window, segment->options.sack_count);
    return text;
}

static void check_options(const struct wanted *wanted, const struct tcp_options *got) {
    if (wanted->has_mss && wanted->mss != got->mss)
        fail_line("got mss %u", got->mss);
    if ((wanted->flags & TCP_SYN) != 0) {
        if (wanted->has_scale != got->has_scale || (wanted->has_scale && wanted->scale != got->scale))
            fail_line("got scale %d", got->has_scale ? got->scale : -1);
        if (wanted->has_sackok != got->sack_permitted)
            fail_line("got sackok %d", got->sack_permitted);
    }
    if (wanted->has_echo && (!got->has_timestamp || wanted->echo != got->timestamp_echo))
        fail_line("got echo %u", got->timestamp_echo);
    if (wanted->has_sacks && wanted->sacks != got->sack_count)
        fail_line("got %u SACK blocks", got->sack_count);
    for (uint32_t i = 0; i < wanted->sacks; i++) {
        uint32_t begin = got->sack[i].begin - PEER_ISS, end = got->sack[i].end - PEER_ISS;
        if (wanted->sack[i].begin != begin || wanted->sack[i].end != end)
            fail_line("got block %u-%u", begin, end);
    }
}

static void expect_segment(const struct wanted *wanted) {
    if (player.out_at == player.out_count)
        fail_line("nothing was sent");
    struct tcp_segment got = parse_sent(&player.out[player.out_at++]);
    if (!player.iss_known && !wanted->anywhere && (got.flags & TCP_SYN) != 0) {
        player.iss_known = true;
        player.iss = got.begin;
        player.own_port = got.from_port;
    }
    player.out_timestamp = got.options.timestamp;
    uint32_t begin = got.begin - player.iss;
    if (got.flags != wanted->flags || (begin != wanted->begin && !wanted->anywhere) || got.data_bytes != wanted->length)
        fail_line("got %s", describe(&got));
    if ((wanted->has_ack && got.ack != PEER_ISS + wanted->ack) || (wanted->has_window && got.window != wanted->window))
        fail_line("got %s", describe(&got));
    for (uint32_t i = 0; i < got.data_bytes; i++)
        if (got.data[i] != stream_byte(wanted->begin - 1 + i))
            fail_line("byte %u of the segment is wrong", i);
    check_options(wanted, &got.options);
}

static void expect_nothing_sent(void) {
    if (player.out_at == player.out_count)
        return;
    struct tcp_segment got = parse_sent(&player.out[player.out_at]);
    fail_line("got %s", describe(&got));
}

// What the application does -------------------------------------------------------------------------------------------

static void app_send(uint32_t count) {
    uint8_t bytes[70000];
    if (count > sizeof bytes)
        fail_line("that is too much");
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = stream_byte(player.out_stream + i);
    size_t sent = serve_tcp_send(player.tcp, bytes, count);
    player.out_stream += (uint32_t)sent;
    if (sent != count)
        tell("sent %zu", sent);
}

static void act(struct words *words) {
    const char *what = next_of(words);
    struct serve_tcp *tcp = player.tcp;
    if (strcmp(what, "take") == 0) {
        const char *count = next_of(words);
        player.abort_in_data = strcmp(count, "abort") == 0;
        if (player.abort_in_data)
            return;
        player.take = strcmp(count, "all") == 0 ? UINT64_MAX : number_of(count);
        return;
    }
    if (!tcp)
        fail_line("there is no connection");
    if (strcmp(what, "send") == 0) {
        do
            app_send(next_number(words));
        while (words->at < words->count);
    } else if (strcmp(what, "shutdown") == 0)
        serve_tcp_shutdown(tcp);
    else if (strcmp(what, "close") == 0)
        serve_tcp_close(tcp);
    else if (strcmp(what, "abort") == 0)
        serve_tcp_abort(tcp);
    else if (strcmp(what, "resume") == 0)
        serve_tcp_resume(tcp);
    else if (strcmp(what, "delay") == 0)
        serve_tcp_set_nodelay(tcp, false);
    else if (strcmp(what, "idle") == 0)
        serve_tcp_set_idle_timeout(tcp, next_number(words) * 1000000ull);
    else if (strcmp(what, "keepalive") == 0)
        serve_tcp_set_keepalive(tcp, next_number(words) * 1000000ull);
    else
        fail_line("'%s' is not understood", what);
    run_batch();
}

static void wait_for(uint64_t delay_ns) {
    uint64_t end_ns = player.now_ns + delay_ns;
    for (;;) {
        uint64_t next_ns = net_deadline_ns(&player.net);
        if (next_ns > end_ns)
            break;
        if (next_ns > player.now_ns)
            player.now_ns = next_ns;
        run_batch();
    }
    player.now_ns = end_ns;
    run_batch();
}

static void expect_told(struct words *words) {
    char text[128] = "";
    while (words->at < words->count) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? " " : "", next_of(words));
    }
    bool more = player.told_at < player.told_count;
    const char *got = more ? player.told[player.told_at] : "nothing";
    if (strcmp(got, text) != 0)
        fail_line("the application was told: %s", got);
    if (more)
        player.told_at++;
}

// Lines ---------------------------------------------------------------------------------------------------------------

static void play_line(struct words *words) {
    const char *verb = next_of(words);
    if (strcmp(verb, "<") == 0) {
        expect_nothing_sent();
        struct wanted wanted = read_segment(words);
        send_segment(&wanted);
    } else if (strcmp(verb, ">") == 0 && strcmp(words->word[words->at], "nothing") == 0) {
        expect_nothing_sent();
    } else if (strcmp(verb, ">") == 0) {
        struct wanted wanted = read_segment(words);
        expect_segment(&wanted);
    } else if (strcmp(verb, "wait") == 0) {
        wait_for(next_number(words) * 1000000ull);
    } else if (strcmp(verb, "app") == 0) {
        act(words);
    } else if (strcmp(verb, "told") == 0) {
        expect_told(words);
    } else if (strcmp(verb, "listen") == 0) {
        uint32_t backlog = words->at < words->count ? next_number(words) : 0;
        if (!net_tcp_listen(&player.net, OWN_PORT, backlog, &callbacks, NULL))
            fail_line("refused");
    } else if (strcmp(verb, "connect") == 0) {
        struct serve_address to = {PEER_IPV4, PEER_PORT};
        player.tcp = net_tcp_connect(&player.net, &to, &callbacks, NULL);
        if (!player.tcp)
            fail_line("refused");
    } else if (strcmp(verb, "connections") == 0) {
        begin_case(next_number(words));
    } else if (strcmp(verb, "port") == 0) {
        player.peer_port = (uint16_t)next_number(words); // another connection
        player.iss_known = false;
    } else {
        fail_line("'%s' is not understood", verb);
    }
}

static void end_case(void) {
    if (!player.case_name)
        return;
    snprintf(player.text, sizeof player.text, "(end of the case)");
    expect_nothing_sent();
    if (player.told_at != player.told_count)
        fail_line("the application was told: %s", player.told[player.told_at]);
}

int main(int count, char **words) {
    FILE *file = count > 1 ? fopen(words[1], "r") : NULL;
    if (!file)
        return 2;
    const char *only = count > 2 ? words[2] : NULL;
    static char name[512];
    char line[512];
    uint32_t played = 0;
    player.file = words[1];
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "== ", 3) == 0) {
            end_case();
            bool wanted = !only || strcmp(line + 3, only) == 0;
            snprintf(name, sizeof name, "%s", line + 3);
            player.case_name = wanted ? name : NULL;
            if (wanted) {
                player.line = number;
                begin_case(8);
                played++;
            }
            continue;
        }
        char *comment = strchr(line, '#');
        if (comment)
            *comment = '\0';
        player.line = number;
        snprintf(player.text, sizeof player.text, "%s", line);
        struct words parts = split(line);
        if (parts.count > 0 && player.case_name)
            play_line(&parts);
    }
    end_case();
    free(player.memory);
    fclose(file);
    if (played == 0)
        return 2;
    printf("%u cases hold\n", played);
    return 0;
}
