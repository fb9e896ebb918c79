#include "kit.h"

struct arena arena_of(const struct solo5_start_info *info, size_t stack_bytes) {
    uintptr_t end = info->heap_start + info->heap_size;
    if (stack_bytes > info->heap_size)
        stack_bytes = info->heap_size;
    return (struct arena){.next = info->heap_start, .end = end - stack_bytes};
}

void *arena_take(struct arena *arena, size_t size, size_t align) {
    uintptr_t start = (arena->next + align - 1) & ~(uintptr_t)(align - 1);
    if (start < arena->next || start > arena->end || size > arena->end - start)
        return NULL;
    arena->next = start + size;
    return (void *)start;
}
