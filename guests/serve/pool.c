#include "serve/pool.h"

static uint32_t order_of(uint32_t bytes) {
    uint32_t units = (bytes + POOL_UNIT_BYTES - 1) >> POOL_UNIT_SHIFT;
    return units <= 1 ? 0 : 32 - (uint32_t)__builtin_clz(units - 1);
}

uint32_t pool_round_up(uint32_t bytes) {
    return (uint32_t)POOL_UNIT_BYTES << order_of(bytes);
}

static struct pool_block *block_at(const struct pool *pool, uint32_t unit) {
    return (struct pool_block *)(pool->base + ((size_t)unit << POOL_UNIT_SHIFT));
}

static void push_free(struct pool *pool, uint32_t unit, uint32_t order) {
    struct pool_block *block = block_at(pool, unit);
    block->next = pool->free[order];
    block->link = &pool->free[order];
    if (block->next)
        block->next->link = &block->next;
    pool->free[order] = block;
    pool->free_order[unit] = (uint8_t)(order + 1);
}

static void remove_free(struct pool *pool, uint32_t unit) {
    struct pool_block *block = block_at(pool, unit);
    *block->link = block->next;
    if (block->next)
        block->next->link = block->link;
    pool->free_order[unit] = 0;
}

bool pool_init(struct pool *pool, void *memory, size_t bytes) {
    *pool = (struct pool){0};
    uintptr_t begin = (uintptr_t)memory, end = begin + bytes;
    if (end < begin)
        return false;
    // One byte of free_order for each unit comes first, then the units, aligned for any object.
    size_t units = bytes / (POOL_UNIT_BYTES + 1);
    uintptr_t base = (begin + units + 15) & ~(uintptr_t)15;
    while (units > 0 && base + (units << POOL_UNIT_SHIFT) > end)
        units--;
    if (units == 0 || units > UINT32_MAX >> POOL_UNIT_SHIFT)
        return false;
    pool->free_order = (uint8_t *)begin;
    pool->base = (uint8_t *)base;
    pool->units = pool->units_free = (uint32_t)units;
    __builtin_memset(pool->free_order, 0, units);
    for (uint32_t unit = 0; unit < pool->units;) {
        uint32_t order = POOL_ORDERS - 1;
        while ((unit & ((1u << order) - 1)) != 0 || unit + (1u << order) > pool->units)
            order--;
        push_free(pool, unit, order);
        unit += 1u << order;
    }
    return true;
}

void *pool_take(struct pool *pool, uint32_t bytes) {
    uint32_t wanted = order_of(bytes), order = wanted;
    while (order < POOL_ORDERS && !pool->free[order])
        order++;
    if (order >= POOL_ORDERS)
        return NULL;
    struct pool_block *block = pool->free[order];
    uint32_t unit = (uint32_t)((size_t)((uint8_t *)block - pool->base) >> POOL_UNIT_SHIFT);
    remove_free(pool, unit);
    while (order > wanted) {
        order--;
        push_free(pool, unit + (1u << order), order);
    }
    pool->units_free -= 1u << wanted;
    return block;
}

void pool_give(struct pool *pool, void *buffer, uint32_t bytes) {
    uint32_t order = order_of(bytes);
    uint32_t unit = (uint32_t)((size_t)((uint8_t *)buffer - pool->base) >> POOL_UNIT_SHIFT);
    pool->units_free += 1u << order;
    pool->returns++;
    while (order < POOL_ORDERS - 1) {
        uint32_t buddy = unit ^ (1u << order);
        if (buddy >= pool->units || pool->free_order[buddy] != order + 1)
            break;
        remove_free(pool, buddy);
        unit &= ~(1u << order);
        order++;
    }
    push_free(pool, unit, order);
}
