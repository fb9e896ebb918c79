#include "servers/kv/pages.h"

// Runs of up to EXACT pages have a bin for each length; longer ones four for each power of two.
enum { EXACT = 32, EXACT_LOG = 5, BINS = EXACT + 4 * (32 - EXACT_LOG) };

struct page *page_table;

static uint32_t table_pages; // the region's length
static uint32_t bins[BINS];
static uint64_t bins_filled[(BINS + 63) / 64];

void page_link(uint32_t *list, uint32_t page) {
    page_table[page].prev = 0;
    page_table[page].next = *list;
    if (*list != 0)
        page_table[*list].prev = page;
    *list = page;
}

void page_unlink(uint32_t *list, uint32_t page) {
    uint32_t next = page_table[page].next, prev = page_table[page].prev;
    if (next != 0)
        page_table[next].prev = prev;
    if (prev != 0)
        page_table[prev].next = next;
    else
        *list = next;
}

static unsigned bin_of(uint32_t pages) {
    if (pages <= EXACT)
        return pages - 1;
    unsigned log = 31 - (unsigned)__builtin_clz(pages);
    return EXACT + (log - EXACT_LOG) * 4 + ((pages >> (log - 2)) & 3);
}

static void put_run(uint32_t first, uint32_t pages) {
    unsigned bin = bin_of(pages);
    page_table[first].kind = page_table[first + pages - 1].kind = PAGE_FREE;
    page_table[first].pages = page_table[first + pages - 1].pages = pages;
    page_link(&bins[bin], first);
    bins_filled[bin / 64] |= 1ull << (bin % 64);
}

static void cut_run(uint32_t first) {
    unsigned bin = bin_of(page_table[first].pages);
    page_unlink(&bins[bin], first);
    if (bins[bin] == 0)
        bins_filled[bin / 64] &= ~(1ull << (bin % 64));
}

// The first filled bin from `bin` on, or BINS.
static unsigned next_bin(unsigned bin) {
    for (unsigned word = bin / 64; word < COUNT_OF(bins_filled); word++) {
        uint64_t filled = bins_filled[word];
        if (word == bin / 64)
            filled &= ~0ull << (bin % 64);
        if (filled != 0)
            return word * 64 + (unsigned)__builtin_ctzll(filled);
    }
    return BINS;
}

static uint32_t find_run(uint32_t pages) {
    enum { LOOKED_AT = 32 };
    unsigned bin = bin_of(pages);
    uint32_t first = bins[bin];
    for (int i = 0; first != 0 && i < LOOKED_AT; first = page_table[first].next, i++)
        if (page_table[first].pages >= pages)
            return first;
    bin = next_bin(bin + 1);
    return bin < BINS ? bins[bin] : 0;
}

bool pages_init(uint8_t *base, uint32_t pages) {
    uint32_t own = (uint32_t)(((uint64_t)pages * sizeof(struct page) + PAGE_BYTES - 1) / PAGE_BYTES);
    if (own >= pages)
        return false;
    page_table = (struct page *)(void *)base;
    table_pages = pages;
    memset(bins, 0, sizeof bins);
    memset(bins_filled, 0, sizeof bins_filled);
    for (uint32_t i = 0; i < own; i++)
        page_table[i] = (struct page){.kind = PAGE_INNER};
    put_run(own, pages - own);
    return true;
}

uint32_t pages_take(uint32_t pages) {
    uint32_t first = find_run(pages);
    if (first == 0)
        return 0;
    cut_run(first);
    uint32_t rest = page_table[first].pages - pages;
    if (rest > 0)
        put_run(first + pages, rest);
    page_table[first + pages - 1].kind = PAGE_INNER;
    page_table[first] = (struct page){.pages = pages, .kind = PAGE_RUN};
    return first;
}

void pages_give(uint32_t first) {
    uint32_t pages = page_table[first].pages;
    uint32_t after = first + pages;
    if (after < table_pages && page_table[after].kind == PAGE_FREE) {
        pages += page_table[after].pages;
        cut_run(after);
    }
    if (page_table[first - 1].kind == PAGE_FREE) {
        uint32_t before = page_table[first - 1].pages;
        first -= before;
        pages += before;
        cut_run(first);
    }
    put_run(first, pages);
}
