#ifndef SECRET_H
#define SECRET_H

#include "kit.h"

// 128 bits that others cannot guess, as far as the machine has them: from the processor's random number instruction
// where it has one, and from both clocks. `salt` tells guests apart that start at the same moment.
void secret_gather(uint64_t secret[2], uint64_t salt);

#endif
