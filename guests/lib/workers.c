// For one processor; what has more defines its own.
#include "workers.h"

__attribute__((weak)) unsigned workers_max(void) {
    return 1;
}

__attribute__((weak)) void workers_run(unsigned count, void (*work)(void *context, unsigned index), void *context) {
    for (unsigned index = 0; index < count; index++)
        work(context, index);
}

__attribute__((weak)) void workers_meet(void) {
}
