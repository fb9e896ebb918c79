// Gives two threads' variables a block each, and goes to and fro between them.
#include "kit.h"
#include "manifest.h"

MANIFEST();

static __thread uint64_t counter = 1000;
static __thread uint64_t zero;
static __thread uint8_t aligned_room[64] __attribute__((aligned(64))) = {7};

static uintptr_t make_thread(struct arena *arena) {
    uint8_t *block = arena_take(arena, solo5_tls_size(), 16);
    if (block == NULL)
        fail("tls: no memory");
    memset(block, 0xee, solo5_tls_size());
    if (solo5_tls_init((uintptr_t)block) != SOLO5_R_OK)
        fail("tls: a block cannot be filled");
    return solo5_tls_tp_offset((uintptr_t)block);
}

static void enter(uintptr_t thread) {
    if (solo5_set_tls_base(thread) != SOLO5_R_OK)
        fail("tls: the thread pointer cannot be set");
    __asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) static void step(uint64_t expected, uint64_t by) {
    if (counter != expected || zero != expected - 1000 || aligned_room[0] != 7 || (uintptr_t)aligned_room % 64 != 0)
        fail("tls: counter=%lu zero=%lu, expected %lu", counter, zero, expected);
    counter += by;
    zero += by;
}

int solo5_app_main(const struct solo5_start_info *info) {
    struct arena arena = arena_of(info, 65536);
    uintptr_t first = make_thread(&arena), second = make_thread(&arena);
    if (solo5_tls_init(0) != SOLO5_R_EINVAL)
        fail("tls: a block at 0 is taken");
    for (uint64_t i = 0; i < 10; i++) {
        enter(first);
        step(1000 + i, 1);
        enter(second);
        step(1000 + 2 * i, 2);
    }
    print("tls: ok\n");
    return SOLO5_EXIT_SUCCESS;
}
