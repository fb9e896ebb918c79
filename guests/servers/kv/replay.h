#ifndef KV_REPLAY_H
#define KV_REPLAY_H

#include "servers/kv/record.h"

// Carries out all requests of the log, up to the first record that is not there as a whole, and leaves it behind them.
void replay_log(struct log_writer *log);

#endif
