// Workers: threads that share the program's memory. A Linux process can have some; a guest has one processor.
#ifndef WORKERS_H
#define WORKERS_H

// How many can run at once: processors of this process, at most 64; 1 in a guest.
unsigned workers_max(void);

// Calls work(context, index) for each index below `count`, at most workers_max(), in a thread of its own each, the first
// in the caller's. Returns when all have returned. Workers may call nothing of solo5.h but the clocks.
void workers_run(unsigned count, void (*work)(void *context, unsigned index), void *context);

// Waits until all workers have come here.
void workers_meet(void);

#endif
