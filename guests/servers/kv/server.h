// The whole server.
#ifndef KV_SERVER_H
#define KV_SERVER_H

#include "serve.h"
#include "servers/kv/bytes.h"

// What Redis version the commands and their replies follow.
#define SERVER_REDIS_VERSION "7.0.15"

struct server {
    size_t memory_max; // bytes of the heap, beyond which requests that need memory are refused
    uint64_t now_ns;   // serve_now_ns(), as of the current batch
    uint64_t started_ns;
    uint64_t connections;  // ever accepted; the last client's number
    uint64_t commands;     // ever carried out
    uint64_t hits, misses; // of keys read
    uint16_t port;
    bool stopping; // once the batch is over
};

extern struct server server;

// Lays out the heap in `memory`, reads the log on the device `storage_name`, if the program has it, and listens.
// False, with a line on the console, where memory or the port is not to be had.
bool server_start(void *memory, size_t memory_bytes, const char *storage_name, uint16_t port);

// Reads the clock. Before requests are carried out.
void server_tick(void);

#endif
