// What the whole server knows of itself.
#ifndef KV_SERVER_H
#define KV_SERVER_H

#include "serve.h"
#include "servers/kv/bytes.h"

struct server {
    size_t memory_max;       // bytes of the heap, beyond which writes that need memory are refused
    uint64_t started_ns;
    uint64_t connections;    // ever accepted; the last client's number
    uint64_t commands;       // ever carried out
    uint64_t hits, misses;   // of keys read
    uint16_t port;
    bool stopping;
};

extern struct server server;

// What a program's command line may say, and its devices. Returns the exit status.
int server_run(const struct solo5_start_info *info, const char *storage_name);

// Reads the clock; to be called before requests are carried out.
void server_tick(void);

#endif
