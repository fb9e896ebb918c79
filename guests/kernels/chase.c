// Follows a list whose nodes lie in random order in 2 MiB.
#include "kernels/kernels.h"

#define NODES 65536u
#define STEPS_A_ROUND 65536u

struct node {
    const struct node *next;
    uint64_t value;
    uint64_t padding[2];
};

static struct node nodes[NODES];
static uint32_t order[NODES];

// One cycle through all nodes (Sattolo's shuffle).
static void prepare(void) {
    uint64_t random = 1;
    for (uint32_t i = 0; i < NODES; i++)
        order[i] = i;
    for (uint32_t i = NODES - 1; i > 0; i--) {
        uint32_t other = (uint32_t)(random_next(&random) % i);
        uint32_t swapped = order[i];
        order[i] = order[other];
        order[other] = swapped;
    }
    for (uint32_t i = 0; i < NODES; i++) {
        struct node *node = &nodes[order[i]];
        node->next = &nodes[order[(i + 1) % NODES]];
        node->value = order[i];
    }
}

static uint64_t run(uint64_t rounds) {
    const struct node *node = nodes;
    uint64_t sum = 0;
    for (uint64_t steps = rounds * STEPS_A_ROUND; steps > 0; steps--) {
        sum += node->value ^ steps;
        node = node->next;
    }
    return mix(sum, node->value);
}

const struct kernel chase = {"chase", prepare, run};
