#include "servers/kv/server.h"

#include "servers/kv/client.h"
#include "servers/kv/command.h"
#include "servers/kv/crc32c.h"
#include "servers/kv/hash.h"
#include "servers/kv/heap.h"
#include "servers/kv/log.h"

enum { NS_PER_MS = 1000000, EXPIRED_MAX = 1000 };

// How far the wall clock may have been set meanwhile before it is noticed.
#define CLOCK_CHECK_NS NS_PER_S

struct server server;

static struct serve_timer timer;
static uint64_t timer_ns; // when it is due; 0: it does not run
static bool is_stuck;     // the last time, keys had expired and could not go
static uint64_t clock_checked_ns;
static uint64_t clock_offset_ns; // of the wall clock

void server_tick(void) {
    uint64_t now_ns = serve_now_ns();
    if (now_ns == server.now_ns)
        return;
    server.now_ns = now_ns;
    if (now_ns - clock_checked_ns >= CLOCK_CHECK_NS || clock_checked_ns == 0) {
        clock_checked_ns = now_ns;
        clock_offset_ns = solo5_clock_wall() - now_ns;
    }
    now_ms = (int64_t)((now_ns + clock_offset_ns) / NS_PER_MS);
}

static void on_timer(struct serve_timer *of, void *user) {
    (void)of;
    (void)user;
    timer_ns = 0;
    server_tick();
    is_stuck = keys_expire_some(EXPIRED_MAX) == 0;
}

// When there is something to do without a request, in nanoseconds from now; UINT64_MAX: never.
static uint64_t next_work_ns(bool is_more) {
    struct entry *entry = deadline_first();
    if (is_more)
        return NS_PER_MS;
    if (entry == NULL)
        return UINT64_MAX;
    int64_t wait_ms = deadline_of(entry) - now_ms;
    // Keys that have expired stay where the log has no room to say so.
    if (wait_ms <= 0)
        return is_stuck ? NS_PER_S : NS_PER_MS;
    return wait_ms < INT64_MAX / NS_PER_MS ? (uint64_t)wait_ms * NS_PER_MS : UINT64_MAX;
}

static void start_timer(bool is_more) {
    uint64_t wait_ns = next_work_ns(is_more);
    if (wait_ns == UINT64_MAX || (timer_ns != 0 && timer_ns <= server.now_ns + wait_ns))
        return;
    timer_ns = server.now_ns + wait_ns;
    serve_timer_start(&timer, wait_ns, on_timer, NULL);
}

// What the batch has changed is written before its replies leave.
static void on_batch(void *user) {
    (void)user;
    server_tick();
    bool is_more = !value_free_more(false);
    log_commit();
    if (server.stopping)
        serve_stop(SOLO5_EXIT_SUCCESS);
    else
        start_timer(is_more || log_rewriting != 0);
}

bool server_start(void *memory, size_t memory_bytes, const char *storage_name, uint16_t port) {
    if (!heap_init(memory, memory_bytes)) {
        print("kv: %zu KiB are too little for data: give the guest more memory\n", memory_bytes / 1024);
        return false;
    }
    hash_seed();
    crc32c_init();
    keys_init();
    commands_init();
    server_tick();
    server.started_ns = server.now_ns;
    server.port = port;
    log_open(storage_name);
    serve_on_batch(on_batch, NULL);
    start_timer(false);
    if (serve_tcp_listen(port, 0, &client_callbacks, NULL))
        return true;
    print("kv: port %u cannot be listened on\n", port);
    return false;
}
