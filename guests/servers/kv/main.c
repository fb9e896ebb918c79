// kv: keeps keys and values, and speaks Redis' protocol, RESP2. Options, with those of serve_init() (serve.h):
//   --port=6379          TCP port
//   --connections=1024   at once
//   --maxmemory=MiB      for data, beyond which requests that need memory are refused; default: 15/16 of what there is
//
// Where the program has a block device "storage", every change is on it before it is replied to.
#include "servers/common/settings.h"
#include "servers/kv/heap.h"
#include "servers/kv/server.h"

#define STACK_BYTES (128 * 1024)
#define TABLE_BYTES 1280 // of serve_init()'s tables, for one connection
#define BUFFER_BYTES_MIN (4u << 20)
#define BUFFER_BYTES_MAX (256u << 20)
#define MEMORY_PART 8 // of the memory, one is for what is on its way

int solo5_app_main(const struct solo5_start_info *info) {
    static const char *const names[] = {"port", "connections", "maxmemory"};
    const char *options = info->cmdline;
    options_check(options, names, COUNT_OF(names));
    uint16_t port = (uint16_t)option_number(options, "port", 6379, 1, 65535);
    uint32_t connections_max = (uint32_t)option_number(options, "connections", 1024, 1, 1u << 20);

    struct arena heap = arena_of(info, STACK_BYTES);
    size_t part = (heap.end - heap.next) / MEMORY_PART;
    size_t buffers = part < BUFFER_BYTES_MIN ? BUFFER_BYTES_MIN : part > BUFFER_BYTES_MAX ? BUFFER_BYTES_MAX : part;
    size_t serve_bytes = (size_t)connections_max * TABLE_BYTES + buffers;
    struct serve_config config = {.options = options,
                                  .memory = arena_take(&heap, serve_bytes, 64),
                                  .memory_bytes = serve_bytes,
                                  .connections_max = connections_max};
    if (config.memory == NULL)
        fail("kv: no memory for %u connections: give the guest %zu MiB more", connections_max, (serve_bytes >> 20) + 1);
    if (!serve_init(&config) || !server_start((void *)heap.next, heap.end - heap.next, "storage", port))
        return SOLO5_EXIT_FAILURE;
    size_t most = heap_bytes() - heap_bytes() / 16;
    server.memory_max = option_number(options, "maxmemory", most >> 20, 1, most >> 20) << 20;
    print("kv: serving %zu MiB for data on port %u\n", server.memory_max >> 20, port);
    return serve_run();
}
