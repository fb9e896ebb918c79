// What kv needs beside fake_serve.h: the rest of serve.h, and solo5.h with a block device that can be written, and that can
// end the process at a write, with a part of it done.
#ifndef KV_FAKE_H
#define KV_FAKE_H

#include "fake_serve.h"
#include "solo5.h"

enum { KV_FAKE_CRASHED = 99 }; // the status of a process that ended at a write

struct kv_fake {
    uint64_t entropy; // a seed of what the processor calls random
    uint64_t wall_ns; // 1970 to the moment when the fake's time is 0
    uint8_t *block_bytes;
    size_t block_capacity, block_size; // 0: no device
    uint64_t writes;                   // so far
    uint64_t crash_write;              // the process ends at this one; 0: never
    size_t crash_bytes;                // of which so many bytes are written
    bool stopped;                      // serve_stop() was called
    bool quiet;                        // the console goes nowhere
};

extern struct kv_fake kv_fake;

// The end of a batch: what came before may now leave.
void kv_fake_end_batch(void);

#endif
