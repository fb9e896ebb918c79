// What differs between runs.
#ifndef KV_ENTROPY_H
#define KV_ENTROPY_H

#include "kit.h"

// A random number of the processor; 0 where it has none.
uint64_t processor_random(void);

#endif
