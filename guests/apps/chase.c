// Follows a list whose nodes, of 64 bytes, lie in random order: chase [STEPS] [NODES]
#include "apps/bench.h"
#include "manifest.h"

MANIFEST();

struct node {
    struct node *next;
    uint64_t value;
    uint64_t padding[6];
};

// One cycle through all nodes (Sattolo's shuffle).
static void link_nodes(struct node *nodes, uint32_t *order, uint64_t count) {
    uint64_t state = 1;
    for (uint64_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (uint64_t i = count - 1; i > 0; i--) {
        uint64_t j = bench_random(&state) % i;
        uint32_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    for (uint64_t i = 0; i < count; i++)
        nodes[order[i]] = (struct node){.next = &nodes[order[(i + 1) % count]], .value = order[i]};
}

__attribute__((noinline)) static uint64_t chase(const struct node *node, uint64_t steps) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < steps; i++) {
        sum += node->value;
        node = node->next;
    }
    return bench_mix(sum, node->value);
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t steps = number_argument(info->cmdline, 0, 1 << 20);
    uint64_t count = number_argument(info->cmdline, 1, 1 << 16);
    if (count == 0 || count > UINT32_MAX)
        fail("chase: the list has 1 to %u nodes", UINT32_MAX);
    struct arena arena = arena_of(info, BENCH_STACK_BYTES);
    struct node *nodes = bench_memory(&arena, count * sizeof *nodes);
    uint32_t *order = bench_memory(&arena, count * sizeof *order);
    link_nodes(nodes, order, count);
    solo5_time_t start = solo5_clock_monotonic();
    uint64_t checksum = chase(nodes, steps);
    bench_report("chase", steps, checksum, solo5_clock_monotonic() - start);
    return SOLO5_EXIT_SUCCESS;
}
