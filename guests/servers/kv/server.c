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
    keys_expire_some(EXPIRED_MAX);
    value_free_more(false);
}

// When there is something to do without a request: in a millisecond, where it has begun already.
static uint64_t next_work_ns(void) {
    struct entry *entry = deadline_first();
    if (!value_free_more(false) || log_rewriting != 0)
        return server.now_ns + NS_PER_MS;
    if (entry == NULL)
        return UINT64_MAX;
    int64_t wait_ms = deadline_of(entry) - now_ms;
    if (wait_ms >= INT64_MAX / NS_PER_MS)
        return UINT64_MAX;
    return server.now_ns + (uint64_t)(wait_ms > 0 ? wait_ms : 1) * NS_PER_MS;
}

static void start_timer(void) {
    uint64_t due_ns = next_work_ns();
    if (due_ns == UINT64_MAX || (timer_ns != 0 && timer_ns <= due_ns))
        return;
    timer_ns = due_ns;
    serve_timer_start(&timer, due_ns - server.now_ns, on_timer, NULL);
}

// What the batch has changed is written before its replies leave.
static void on_batch(void *user) {
    (void)user;
    log_commit();
    if (server.stopping)
        serve_stop(SOLO5_EXIT_SUCCESS);
    else
        start_timer();
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
    if (serve_tcp_listen(port, 0, &client_callbacks, NULL))
        return true;
    print("kv: port %u cannot be listened on\n", port);
    return false;
}
