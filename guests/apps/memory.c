// Writes and reads back all of the heap but its last 64 KiB, the stack's: memory [STRIDE]
// Every STRIDE bytes (4096) one word is written, and the last word of all.
#include "kit.h"
#include "manifest.h"

MANIFEST();

#define STACK_BYTES 65536u

static uint64_t pattern(uintptr_t address) {
    return address * 0x9e3779b97f4a7c15 + 1;
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t stride = number_argument(info->cmdline, 0, 4096);
    if (stride == 0 || stride % 8 != 0)
        fail("memory: the stride must be a multiple of 8");
    struct arena arena = arena_of(info, STACK_BYTES);
    uintptr_t last = arena.end - 8;

    for (uintptr_t at = arena.next; at < last; at += stride)
        *(volatile uint64_t *)at = pattern(at);
    *(volatile uint64_t *)last = pattern(last);

    uint64_t words = 1;
    for (uintptr_t at = arena.next; at < last; at += stride, words++)
        if (*(volatile uint64_t *)at != pattern(at))
            fail("memory: the word at 0x%lx is not what was written", at);
    if (*(volatile uint64_t *)last != pattern(last))
        fail("memory: the last word is not what was written");
    print("memory: start=0x%lx end=0x%lx words=%lu\n", info->heap_start, info->heap_start + info->heap_size, words);
    return SOLO5_EXIT_SUCCESS;
}
