#include "servers/kv/heap.h"

#include "servers/kv/pages.h"

// In a build with AddressSanitizer, bytes of the heap that no object has are out of bounds.
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define FORBID(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#define ALLOW(at, bytes) ASAN_UNPOISON_MEMORY_REGION(at, bytes)
#else
#define FORBID(at, bytes) ((void)0)
#define ALLOW(at, bytes) ((void)0)
#endif

// Classes: each multiple of 16 up to 128, then four for each doubling up to 8 KiB.
enum { FINE_MAX = 128, FINE_LOG = 7, CLASS_BYTES_MAX = 8192, CLASSES = 32 };

uint8_t *heap_base;

static uint32_t slabs[CLASSES];      // those with room
static uint32_t empty_slab[CLASSES]; // one of them that has no objects; 0: none
static size_t total_bytes, used_bytes, used_bytes_max;

static unsigned class_of(size_t bytes) {
    if (bytes <= FINE_MAX)
        return bytes == 0 ? 0 : (unsigned)(bytes - 1) / HEAP_UNIT;
    unsigned log = 63 - (unsigned)__builtin_clzll(bytes - 1);
    return FINE_MAX / HEAP_UNIT + (log - FINE_LOG) * 4 + (unsigned)(((bytes - 1) >> (log - 2)) & 3);
}

static size_t class_bytes(unsigned class) {
    if (class < FINE_MAX / HEAP_UNIT)
        return (class + 1) * HEAP_UNIT;
    unsigned step = class - FINE_MAX / HEAP_UNIT;
    return (size_t)(5 + step % 4) << (FINE_LOG - 2 + step / 4);
}

static uint32_t slab_pages(size_t object_bytes) {
    return object_bytes <= 512 ? 4 : object_bytes <= 2048 ? 8 : 16;
}

bool heap_init(void *memory, size_t bytes) {
    uintptr_t start = ((uintptr_t)memory + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
    size_t lost = start - (uintptr_t)memory;
    if (bytes < lost + 16 * PAGE_BYTES)
        return false;
    bytes -= lost;
    if (bytes > HEAP_BYTES_MAX)
        bytes = HEAP_BYTES_MAX;
    heap_base = (uint8_t *)start;
    total_bytes = bytes / PAGE_BYTES * PAGE_BYTES;
    used_bytes = used_bytes_max = 0;
    memset(slabs, 0, sizeof slabs);
    memset(empty_slab, 0, sizeof empty_slab);
    if (!pages_init(heap_base, (uint32_t)(bytes / PAGE_BYTES)))
        return false;
    uint32_t own = (uint32_t)(((uint64_t)bytes / PAGE_BYTES * sizeof(struct page) + PAGE_BYTES - 1) / PAGE_BYTES);
    FORBID(heap_base + (size_t)own * PAGE_BYTES, total_bytes - (size_t)own * PAGE_BYTES);
    (void)own;
    return true;
}

static uint8_t *page_start(uint32_t page) {
    return heap_base + (size_t)page * PAGE_BYTES;
}

static uint32_t first_page_of(const void *object) {
    uint32_t page = (uint32_t)((size_t)((const uint8_t *)object - heap_base) / PAGE_BYTES);
    return page_table[page].kind == PAGE_INNER ? page - page_table[page].pages : page;
}

static void count_used(size_t bytes) {
    used_bytes += bytes;
    if (used_bytes > used_bytes_max)
        used_bytes_max = used_bytes;
}

// Gives back the empty slabs that give_small() keeps; true where there was one.
static bool reclaim(void) {
    bool any = false;
    for (unsigned class = 0; class < CLASSES; class ++) {
        if (empty_slab[class] == 0)
            continue;
        page_unlink(&slabs[class], empty_slab[class]);
        pages_give(empty_slab[class]);
        empty_slab[class] = 0;
        any = true;
    }
    return any;
}

static uint32_t take_pages(uint32_t pages) {
    uint32_t first = pages_take(pages);
    return first == 0 && reclaim() ? pages_take(pages) : first;
}

static uint32_t new_slab(unsigned class) {
    uint32_t pages = slab_pages(class_bytes(class));
    uint32_t first = take_pages(pages);
    if (first == 0)
        return 0;
    page_table[first].kind = PAGE_SLAB;
    page_table[first].class = (uint8_t) class;
    for (uint32_t i = 1; i < pages; i++) {
        page_table[first + i].kind = PAGE_INNER;
        page_table[first + i].pages = i;
    }
    page_link(&slabs[class], first);
    return first;
}

static void *take_small(size_t bytes) {
    unsigned class = class_of(bytes);
    uint32_t first = slabs[class];
    if (first == 0 && (first = new_slab(class)) == 0)
        return NULL;
    struct page *slab = &page_table[first];
    size_t size = class_bytes(class);
    uint8_t *object;
    if (slab->free != 0) {
        object = heap_object(slab->free);
        ALLOW(object, sizeof(uint32_t));
        slab->free = *(uint32_t *)(void *)object;
        ALLOW(object, bytes);
    } else {
        object = page_start(first) + slab->carved++ * size;
        ALLOW(object, bytes);
    }
    if (slab->used++ == 0 && empty_slab[class] == first)
        empty_slab[class] = 0;
    if (slab->free == 0 && (slab->carved + 1) * size > (size_t)slab->pages * PAGE_BYTES)
        page_unlink(&slabs[class], first);
    count_used(size);
    return object;
}

void *heap_take(size_t bytes) {
    if (bytes <= CLASS_BYTES_MAX)
        return take_small(bytes);
    if (bytes > total_bytes)
        return NULL;
    uint32_t pages = (uint32_t)((bytes + PAGE_BYTES - 1) / PAGE_BYTES);
    uint32_t first = take_pages(pages);
    if (first == 0)
        return NULL;
    ALLOW(page_start(first), bytes);
    count_used((size_t)pages * PAGE_BYTES);
    return page_start(first);
}

static void give_small(uint32_t first, uint8_t *object) {
    struct page *slab = &page_table[first];
    size_t size = class_bytes(slab->class);
    bool full = slab->free == 0 && (slab->carved + 1) * size > (size_t)slab->pages * PAGE_BYTES;
    ALLOW(object, sizeof(uint32_t));
    *(uint32_t *)(void *)object = slab->free;
    FORBID(object, size);
    slab->free = heap_reference(object);
    slab->used--;
    used_bytes -= size;
    if (full)
        page_link(&slabs[slab->class], first);
    if (slab->used > 0)
        return;
    // One empty slab stays, so that a single object taken and given back in turn costs no more than that.
    if (empty_slab[slab->class] == 0) {
        empty_slab[slab->class] = first;
        return;
    }
    page_unlink(&slabs[slab->class], first);
    pages_give(first);
}

void heap_give(void *object) {
    uint32_t first = first_page_of(object);
    if (page_table[first].kind == PAGE_SLAB) {
        give_small(first, object);
        return;
    }
    size_t size = (size_t)page_table[first].pages * PAGE_BYTES;
    FORBID(object, size);
    used_bytes -= size;
    pages_give(first);
}

size_t heap_room(const void *object) {
    const struct page *page = &page_table[first_page_of(object)];
    size_t room = page->kind == PAGE_SLAB ? class_bytes(page->class) : (size_t)page->pages * PAGE_BYTES;
    ALLOW(object, room);
    return room;
}

void *heap_resize(void *object, size_t bytes) {
    size_t room = heap_room(object);
    bool same = bytes <= CLASS_BYTES_MAX ? room == class_bytes(class_of(bytes)) : bytes <= room && bytes > room / 2;
    if (same)
        return object;
    void *moved = heap_take(bytes);
    if (moved == NULL)
        return bytes <= room ? object : NULL;
    memcpy(moved, object, bytes < room ? bytes : room);
    heap_give(object);
    return moved;
}

size_t heap_used(void) {
    return used_bytes;
}

size_t heap_used_max(void) {
    return used_bytes_max;
}

size_t heap_bytes(void) {
    return total_bytes;
}
