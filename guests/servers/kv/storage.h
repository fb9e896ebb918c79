// The storage device: two superblocks, and two halves of which one holds the log.
//
//   block 0, 1      superblocks, written in turn; the valid one with the higher generation counts
//   then            half 0, then half 1, of the same size
//
// All numbers are little-endian. Each half holds records; see record.h.
#ifndef KV_STORAGE_H
#define KV_STORAGE_H

#include "servers/kv/bytes.h"

struct storage {
    solo5_handle_t handle;
    uint32_t block_bytes;
    uint64_t half_blocks;
    uint64_t identity;   // drawn for each log, begun or finished, so that what another left behind is told from its own
    uint64_t generation; // counts the logs that were finished; its lowest bit is the half
};

extern struct storage storage;

// False where the program has no such device. Ends the program where the device is too small, holds something else, or
// cannot be read. A device of zeros becomes an empty log.
bool storage_open(const char *name);

// Makes the half of a generation the log.
void storage_switch(uint64_t generation, uint64_t identity);

// A block of the half that a generation uses, counted from 0; ends the program where the device fails.
void storage_read(uint64_t generation, uint64_t block, uint8_t *bytes);
void storage_write(uint64_t generation, uint64_t block, const uint8_t *bytes);

#endif
