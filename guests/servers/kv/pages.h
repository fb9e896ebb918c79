// The pages below the heap: a table of them, and the free runs.
#ifndef KV_PAGES_H
#define KV_PAGES_H

#include "kit.h"

#define PAGE_BYTES 4096u

enum page_kind { PAGE_FREE, PAGE_RUN, PAGE_SLAB, PAGE_INNER };

// A page's number is its place in the region; number 0 holds the table and so stands for none.
struct page {
    uint32_t pages; // the first page's, and a free run's last: the run's length; a slab's other pages': the way back
    uint32_t next, prev; // in the list of a bin of free runs, or of a class's slabs with room
    uint32_t free;       // a slab's first free object, as a reference; 0: none
    uint16_t used;       // a slab's objects in use
    uint16_t carved;     // a slab's objects used at least once
    uint8_t kind;
    uint8_t class;
};

extern struct page *page_table;

// Lays the table into the region's beginning. False where nothing is left.
bool pages_init(uint8_t *base, uint32_t pages);

// A run's first page, of kind PAGE_RUN, or 0.
uint32_t pages_take(uint32_t pages);
void pages_give(uint32_t first);

void page_link(uint32_t *list, uint32_t page);
void page_unlink(uint32_t *list, uint32_t page);

#endif
