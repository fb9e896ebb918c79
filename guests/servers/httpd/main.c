// httpd: serves files over HTTP/1.1. Options, with those of serve_init() (serve.h):
//   --port=80             TCP port
//   --connections=1024    at once; one more is answered with 503
//   --idle-timeout=60     seconds without a byte, after which a connection is closed
//   --request-timeout=10  seconds for a request to come whole, after which it is answered with 408
//   --cache=MIB           memory for files read from the block device; default: all that is left
#include "servers/common/settings.h"
#include "servers/httpd/server.h"

#define STACK_BYTES (128 * 1024)
#define SERVE_BYTES_MAX (256u << 20)
#define TABLE_BYTES 1280             // of serve_init()'s tables, for one connection
#define BUFFER_BYTES_MIN (2u << 20)
#define REFUSED_CONNECTIONS 64       // beyond those that are served: enough to tell them so

static struct server server;

// A half of the memory for what is on its way, in reason; the other half for files.
static void start_serving(const char *options, struct arena *heap, uint32_t connections_max) {
    size_t tables_bytes = (size_t)connections_max * TABLE_BYTES, half = (heap->end - heap->next) / 2;
    size_t memory_bytes = half < SERVE_BYTES_MAX ? half : SERVE_BYTES_MAX;
    if (memory_bytes < tables_bytes + BUFFER_BYTES_MIN)
        memory_bytes = tables_bytes + BUFFER_BYTES_MIN;
    struct serve_config config = {.options = options,
                                  .memory = arena_take(heap, memory_bytes, 64),
                                  .memory_bytes = memory_bytes,
                                  .connections_max = connections_max};
    if (config.memory == NULL)
        fail("no memory for %u connections: give the guest %zu MiB more", connections_max, (memory_bytes >> 20) + 1);
    if (!serve_init(&config))
        solo5_exit(SOLO5_EXIT_FAILURE);
}

int solo5_app_main(const struct solo5_start_info *info) {
    static const char *const names[] = {"port", "connections", "idle-timeout", "request-timeout", "cache"};
    const char *options = info->cmdline;
    options_check(options, names, COUNT_OF(names));
    uint16_t port = (uint16_t)option_number(options, "port", 80, 1, 65535);
    uint32_t connections_count = (uint32_t)option_number(options, "connections", 1024, 1, 1u << 20);
    uint64_t cache_mib = option_number(options, "cache", SIZE_MAX >> 20, 0, SIZE_MAX >> 20);
    server.idle_ns = option_number(options, "idle-timeout", 60, 1, 86400) * NS_PER_S;
    server.request_ns = option_number(options, "request-timeout", 10, 1, 86400) * NS_PER_S;

    struct arena heap = arena_of(info, STACK_BYTES);
    content_open(&server.content, &heap);
    server.content.cache_bytes = (size_t)cache_mib << 20;
    struct connection *connections = arena_take(&heap, connections_count * sizeof *connections, 64);
    if (connections == NULL)
        fail("no memory for %u connections; give the guest more", connections_count);
    start_serving(options, &heap, connections_count + REFUSED_CONNECTIONS);
    if (!server_start(&server, connections, connections_count, port))
        fail("port %u cannot be listened on", port);
    print("httpd: serving %zu files and directories on port %u\n", server.content.entries_count, port);
    return serve_run();
}
