// solo5.h in memory, for tests: one block device, a wall clock that stands, a console that is kept.
#ifndef FAKE_SOLO5_H
#define FAKE_SOLO5_H

#include <setjmp.h>

#include "solo5.h"

struct fake_solo5 {
    const char *block_name;
    const uint8_t *block_bytes;
    size_t block_capacity, block_size;
    bool block_fails;       // every read
    uint64_t wall_ns;
    unsigned wall_reads;    // how often the wall clock was read
    char console[4096];     // what was written since it was emptied, cut
    size_t console_size;
    jmp_buf on_exit;        // where solo5_exit() goes, with its status + 1
};

extern struct fake_solo5 fake_solo5;

#endif
