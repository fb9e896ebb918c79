// Ends the server at a write to its device, again and again, and looks what the next one finds there: it must be the state
// that the requests up to some point of the batch then under way had made, or, if that batch was committed, a later one,
// and never an earlier one.
//
// A run carries out batches of random requests on a device kept in shared memory; before each batch is committed it notes a
// digest of all keys, after each request. The process then ends at its Nth write, with a random part of that done; the next
// run starts on the device that is left.
//
// With a heap so small that memory ends in the middle of requests, what the log tells must still be what was done; a log
// that such a heap does not hold is wiped.
//
//   kv_crash SEED RUNS BLOCK_BYTES DEVICE_KIB HEAP_KIB
#define _GNU_SOURCE // memmem
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kv_fake.h"
#include "random.h"
#include "servers/kv/keys.h"
#include "servers/kv/log.h"
#include "servers/kv/server.h"
#include "servers/kv/text.h"

enum { PORT = 6379, HEAP_BYTES_AMPLE = 8 << 20, BATCH_MAX = 12, KEYS = 60, BATCHES_MAX = 1500, LOST = 3 };

// What outlives a run.
struct shared {
    uint64_t digests[BATCH_MAX + 1]; // of the state before the batch under way, and after each of its requests
    uint64_t states;                 // of them
    uint64_t committed;              // batches, in this run
    int64_t now_ms;                  // of the batch under way
    bool started;
    uint64_t requests, rewritings, generation, refused, wiped;
};

static struct shared *shared;
static uint64_t state;
static size_t heap_bytes_of_runs;

static size_t below(size_t limit) {
    return random_below(&state, limit);
}

// ---- a digest of all keys that have not expired, whatever their order --------------------------------------------

static uint64_t digest_of(uint64_t digest, struct bytes bytes) {
    digest = (digest ^ bytes.size) * 0x100000001b3;
    for (size_t i = 0; i < bytes.size; i++)
        digest = (digest ^ bytes.at[i]) * 0x100000001b3;
    return digest ^ digest >> 29;
}

static void add_member(void *member, void *context) {
    *(uint64_t *)context += digest_of(1, member_name(member));
}

static void add_field(void *field, void *context) {
    *(uint64_t *)context += digest_of(digest_of(2, entry_name(field)), entry_string(field));
}

static uint64_t digest_value(const struct entry *entry) {
    uint64_t digest = 3;
    switch ((enum type)entry->type) {
    case TYPE_LIST:
        for (struct list_place at = {entry->value.list->first, 0}; at.chunk != NULL; at = list_next(at))
            digest = digest_of(digest, list_wire(at));
        break;
    case TYPE_SET:
        dict_each(entry->value.table, add_member, &digest);
        break;
    case TYPE_HASH:
        dict_each(entry->value.table, add_field, &digest);
        break;
    case TYPE_ZSET:
        for (const struct zset_node *node = zset_at(entry->value.zset, 0); node != NULL; node = zset_next(node))
            digest = digest_of(digest ^ node->score, zset_name(node));
        break;
    default:
        digest = digest_of(digest, entry_string(entry));
    }
    return digest;
}

static void add_key(void *object, void *context) {
    const struct entry *entry = object;
    if (deadline_of(entry) <= shared->now_ms)
        return;
    uint64_t digest = digest_of((uint64_t)entry->type, entry_name(entry));
    digest = (digest ^ digest_value(entry)) * 0x9e3779b97f4a7c15;
    digest ^= (uint64_t)deadline_of(entry) * 0xff51afd7ed558ccd;
    *(uint64_t *)context += digest ^ digest >> 31;
}

static uint64_t digest_all(void) {
    uint64_t digest = 0;
    dict_each(&keys, add_key, &digest);
    return digest;
}

// ---- requests ----------------------------------------------------------------------------------------------------

static char *add_word(char *at, const char *word, size_t size) {
    at += sprintf(at, "$%zu\r\n", size);
    memcpy(at, word, size);
    memcpy(at + size, "\r\n", 2);
    return at + size + 2;
}

// What each % of a template stands for: %k a key, %v a value, %m a member, %n a number, %s a score, %t a time to live.
static char *add_template_word(char *at, const char *word, size_t size) {
    char text[4096];
    size_t length;
    if (word[0] != '%')
        return add_word(at, word, size);
    switch (word[1]) {
    case 'k':
        length = (size_t)sprintf(text, "key:%zu", below(KEYS));
        break;
    case 'm':
        length = (size_t)sprintf(text, "member:%zu", below(200));
        break;
    case 'n':
        length = (size_t)sprintf(text, "%d", (int)below(2000) - 1000);
        break;
    case 's':
        length = (size_t)sprintf(text, "%.17g", ((double)below(2000000) - 1000000) / 1024 * 1.1);
        break;
    case 't':
        length = (size_t)sprintf(text, "%d", 1 + (int)below(20000));
        break;
    default:
        length = below(20) == 0 ? below(3000) : below(60);
        for (size_t i = 0; i < length; i++)
            text[i] = (char)random_next(&state);
    }
    return add_word(at, text, length);
}

static const char *const templates[] = {"SET %k %v",
                                        "SET %k %v",
                                        "SET %k %v",
                                        "SET %k %v PX %t",
                                        "SETEX %k 3 %v",
                                        "SET %k %v KEEPTTL",
                                        "SET %k %v NX",
                                        "GETSET %k %v",
                                        "GETDEL %k",
                                        "GETEX %k PX %t",
                                        "GETEX %k PERSIST",
                                        "MSET %k %v %k %v %k %v",
                                        "MSETNX %k %v %k %v",
                                        "APPEND %k %v",
                                        "SETRANGE %k 10 %v",
                                        "INCR %k",
                                        "INCRBY %k %n",
                                        "SET %k 5",
                                        "DEL %k %k",
                                        "UNLINK %k",
                                        "RENAME %k %k",
                                        "RENAMENX %k %k",
                                        "PEXPIRE %k %t",
                                        "EXPIRE %k 2",
                                        "PERSIST %k",
                                        "PEXPIRE %k -1",
                                        "LPUSH %k %v %v",
                                        "RPUSH %k %v %v %v",
                                        "LPOP %k",
                                        "RPOP %k 3",
                                        "LSET %k 0 %v",
                                        "LINSERT %k BEFORE %v %v",
                                        "LREM %k 0 %v",
                                        "LTRIM %k 1 20",
                                        "LMOVE %k %k LEFT RIGHT",
                                        "RPOPLPUSH %k %k",
                                        "SADD %k %m %m %m",
                                        "SREM %k %m",
                                        "SPOP %k",
                                        "SPOP %k 5",
                                        "SMOVE %k %k %m",
                                        "HSET %k %m %v %m %v",
                                        "HSETNX %k %m %v",
                                        "HDEL %k %m",
                                        "HINCRBY %k %m %n",
                                        "ZADD %k %s %m %s %m",
                                        "ZADD %k GT CH %s %m",
                                        "ZINCRBY %k %s %m",
                                        "ZREM %k %m",
                                        "ZPOPMIN %k 2",
                                        "ZPOPMAX %k",
                                        "ZREMRANGEBYSCORE %k -100 100",
                                        "ZREMRANGEBYRANK %k 0 1",
                                        "GET %k",
                                        "LRANGE %k 0 -1",
                                        "EXISTS %k %k"};

static size_t make_request(char *to) {
    const char *words[16], *template = templates[below(COUNT_OF(templates))];
    size_t sizes[16], count = 0;
    if (below(600) == 0)
        template = below(2) == 0 ? "FLUSHALL" : "BGREWRITEAOF";
    for (const char *at = template; *at != '\0'; at += strspn(at, " ")) {
        sizes[count] = strcspn(at, " ");
        words[count] = at;
        at += sizes[count++];
    }
    char *at = to + sprintf(to, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++)
        at = add_template_word(at, words[i], sizes[i]);
    return (size_t)(at - to);
}

// ---- a run -------------------------------------------------------------------------------------------------------

static void start_server(size_t heap_size) {
    shared->started = false;
    kv_fake.quiet = heap_size < HEAP_BYTES_AMPLE;
    fake_reset(64 << 10);
    kv_fake.entropy = random_next(&state);
    kv_fake.wall_ns = (uint64_t)shared->now_ms * 1000000; // time goes on from run to run
    if (!server_start(malloc(heap_size), heap_size, "storage", PORT))
        exit(1);
    server.memory_max = heap_size;
    shared->started = true;
}

static void run_batch(struct serve_tcp *tcp) {
    static char bytes[65536], replies[65536];
    fake_pass(below(8) * 1000000);
    server_tick();
    shared->now_ms = now_ms;
    shared->digests[0] = digest_all();
    shared->states = 1;
    for (size_t left = 1 + below(BATCH_MAX); left > 0; left--) {
        size_t size = make_request(bytes);
        fake_deliver(tcp, bytes, size);
        shared->requests++;
        shared->digests[shared->states++] = digest_all();
    }
    uint64_t last = shared->digests[shared->states - 1];
    kv_fake_end_batch();
    // Only now would the replies leave, and whoever gets them may rely on all of it.
    shared->digests[0] = last;
    shared->states = 1;
    shared->committed++;
    bool is_rewritten = log_facts().generation != shared->generation;
    shared->generation = log_facts().generation;
    shared->rewritings += is_rewritten;
    // The new log is looked at before much of it is written in the usual way.
    if (is_rewritten && below(2) == 0)
        _exit(KV_FAKE_CRASHED);
    size_t count;
    while ((count = fake_read(tcp, replies, sizeof replies)) > 0) {
        shared->refused += memmem(replies, count, "-MISCONF", 8) != NULL || memmem(replies, count, "-OOM", 4) != NULL;
    }
}

static void run(uint64_t crash_write) {
    start_server(heap_bytes_of_runs);
    kv_fake.writes = 0;
    kv_fake.crash_write = crash_write;
    kv_fake.crash_bytes = below(kv_fake.block_size + 1);
    struct serve_tcp *tcp = fake_connect(PORT);
    for (int batch = 0; batch < BATCHES_MAX; batch++)
        run_batch(tcp);
    exit(0);
}

// What is on the device must be a state that was noted.
static void check(void) {
    start_server(HEAP_BYTES_AMPLE);
    uint64_t found = digest_all();
    for (uint64_t i = 0; i < shared->states; i++)
        if (shared->digests[i] == found)
            exit(0);
    exit(LOST);
}

static void accept(uint64_t unused) {
    (void)unused;
    start_server(HEAP_BYTES_AMPLE);
    shared->digests[0] = digest_all();
    shared->states = 1;
    exit(0);
}

static void damage(void) {
    size_t first = 2 * kv_fake.block_size; // behind the superblocks
    // Most of what is there is near the halves' beginnings.
    size_t half = (kv_fake.block_capacity - first) / 2, at = below(half / 8 + below(half * 7 / 8));
    kv_fake.block_bytes[first + below(2) * half + at] ^= (uint8_t)(1 + below(255));
}

static int in_child(void (*action)(uint64_t), uint64_t argument) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        action(argument);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_in_child(uint64_t unused) {
    (void)unused;
    check();
}

static void *share(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        exit(1);
    return memory;
}

int main(int argc, char **argv) {
    if (argc != 6)
        return 2;
    uint64_t seed = strtoull(argv[1], NULL, 0), crashes = 0;
    unsigned long runs = strtoul(argv[2], NULL, 0);
    kv_fake.block_size = strtoul(argv[3], NULL, 0);
    kv_fake.block_capacity = strtoul(argv[4], NULL, 0) * 1024;
    heap_bytes_of_runs = strtoul(argv[5], NULL, 0) * 1024;
    kv_fake.block_bytes = share(kv_fake.block_capacity);
    shared = share(sizeof *shared);
    shared->states = 1;
    shared->now_ms = 1700000000000;
    for (unsigned long i = 0; i < runs; i++) {
        state = seed + i;
        // Few writes mostly: starting on what the last run left is what is looked at.
        uint64_t crash_write = 1 + below(below(4) == 0 ? 3000 : 60);
        int status = in_child(run, crash_write);
        if (!shared->started && status == 1 && heap_bytes_of_runs < HEAP_BYTES_AMPLE) {
            memset(kv_fake.block_bytes, 0, kv_fake.block_capacity);
            shared->digests[0] = 0;
            shared->states = 1;
            shared->wiped++;
            continue;
        }
        if (status != KV_FAKE_CRASHED && status != 0) {
            fprintf(stderr, "kv_crash: run %lu ended with %d\n", i, status);
            return 1;
        }
        crashes += status == KV_FAKE_CRASHED;
        status = in_child(check_in_child, 0);
        if (status != 0) {
            fprintf(stderr, "kv_crash: after run %lu, which ended at its write %lu: %s\n", i,
                    (unsigned long)crash_write, status == LOST ? "another state than any it had" : "it does not start");
            return 1;
        }
        if (below(6) != 0)
            continue;
        damage();
        if (in_child(accept, 0) != 0) {
            fprintf(stderr, "kv_crash: it does not start on what run %lu left and was damaged\n", i);
            return 1;
        }
    }
    printf("%lu runs, %lu crashes, %lu wiped, %lu requests, %lu rewritings, %lu refused\n", runs,
           (unsigned long)crashes, (unsigned long)shared->wiped, (unsigned long)shared->requests,
           (unsigned long)shared->rewritings, (unsigned long)shared->refused);
    return 0;
}
