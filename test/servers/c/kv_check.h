// What the programs have in common that hold kv's parts to plain models of them.
#ifndef KV_CHECK_H
#define KV_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv_fake.h"
#include "random.h"
#include "servers/kv/hash.h"
#include "servers/kv/heap.h"
#include "servers/kv/text.h"
#include "servers/kv/value.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "not so: %s (%s, line %d)\n", #condition, __FILE__, __LINE__); \
            abort(); \
        } \
    } while (0)

enum { NAMES = 60000 };

static uint64_t state;

static inline size_t below(size_t limit) {
    return random_below(&state, limit);
}

// A number as a name, of up to 57 bytes.
static inline struct bytes name_of(size_t number, uint8_t text[64]) {
    memset(text, 'x', 64);
    size_t size = print_u64(text, number);
    return (struct bytes){text, number % 3 == 0 ? size : size + 1 + number % 37};
}

// Runs `check` with the words SEED COUNT of a command line, on a heap of its own.
static inline int check_with_heap(int argc, char **argv, void (*check)(unsigned long count)) {
    enum { HEAP_BYTES = 64 << 20 };
    if (argc != 3)
        return 2;
    state = strtoull(argv[1], NULL, 0);
    kv_fake.entropy = state;
    unsigned long count = strtoul(argv[2], NULL, 0);
    void *memory = malloc(HEAP_BYTES);
    fake_reset(4096);
    CHECK(heap_init(memory, HEAP_BYTES));
    hash_seed();
    check(count);
    printf("%lu of each\n", count);
    free(memory);
    return 0;
}

#endif
