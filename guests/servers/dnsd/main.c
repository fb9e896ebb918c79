// dnsd: answers DNS queries for one zone, over UDP and TCP. The block device "zone" holds its master file as text,
// filled up with NULs or line ends. Options, with those of serve_init() (serve.h):
//   --port=53           UDP and TCP port
//   --origin=NAME       completes relative names of the zone file until it has an $ORIGIN
//   --udp-size=1232     bytes of the largest response over UDP, from 512 to 1472
//   --connections=256   over TCP, at once
//   --idle-timeout=10   seconds without a byte, after which a connection is closed
#include "servers/common/disk.h"
#include "servers/common/settings.h"
#include "servers/dnsd/server.h"
#include "servers/dnsd/zone_file.h"

#define STACK_BYTES (128 * 1024)
#define TABLE_BYTES 1280 // of serve_init()'s tables, for one connection
#define BUFFER_BYTES (8u << 20)

static struct server server;

// The device's text, at the heap's end, where it may be overwritten when the zone has been read.
static struct word read_text(struct arena *heap) {
    static struct disk disk;
    disk_open(&disk, "zone", heap);
    size_t size = (size_t)disk.bytes;
    if (disk.bytes > heap->end - heap->next)
        fail("block device 'zone': no memory for its %lu bytes; give the guest more", (unsigned long)disk.bytes);
    char *text = (char *)heap->end - size;
    if (!disk_read(&disk, 0, text, size))
        fail("block device 'zone' cannot be read");
    while (size > 0 && text[size - 1] == '\0')
        size--;
    return (struct word){text, size};
}

static bool read_origin(const char *options, struct name *origin) {
    static const struct name root = {.size = 1};
    struct word value;
    if (!find_option(options, "origin", &value))
        return false;
    const char *wrong = name_read(origin, value.at, value.size, &root);
    if (wrong != NULL)
        fail("--origin: '%.*s' %s", (int)value.size, value.at, wrong);
    return true;
}

static void read_zone(const char *options, struct arena *heap) {
    static struct name origin;
    struct zone_error error;
    bool has_origin = read_origin(options, &origin);
    struct word text = read_text(heap);
    struct arena rest = {heap->next, (uintptr_t)text.at};
    if (!zone_read(&server.zone, &rest, text.at, text.size, has_origin ? &origin : NULL, &error)) {
        if (error.line == 0)
            fail("zone: %s", error.text);
        fail("zone: line %u: %s", error.line, error.text);
    }
    server.zone.arena = heap;
    heap->next = rest.next;
}

int solo5_app_main(const struct solo5_start_info *info) {
    static const char *const names[] = {"port", "origin", "udp-size", "connections", "idle-timeout"};
    const char *options = info->cmdline;
    options_check(options, names, COUNT_OF(names));
    uint16_t port = (uint16_t)option_number(options, "port", 53, 1, 65535);
    uint32_t connections_count = (uint32_t)option_number(options, "connections", 256, 1, 1u << 20);
    server.udp_bytes = (uint16_t)option_number(options, "udp-size", UDP_BYTES_DEFAULT, 512, UDP_BYTES_MAX);
    server.idle_ns = option_number(options, "idle-timeout", 10, 1, 86400) * NS_PER_S;

    struct arena heap = arena_of(info, STACK_BYTES);
    read_zone(options, &heap);
    struct connection *connections = arena_take(&heap, connections_count * sizeof *connections, 64);
    struct serve_config config = {.options = options,
                                  .memory_bytes = (size_t)connections_count * TABLE_BYTES + BUFFER_BYTES,
                                  .connections_max = connections_count};
    config.memory = arena_take(&heap, config.memory_bytes, 64);
    if (connections == NULL || config.memory == NULL)
        fail("no memory for %u connections; give the guest more", connections_count);
    if (!serve_init(&config))
        return SOLO5_EXIT_FAILURE;
    if (!server_start(&server, connections, connections_count, port))
        fail("port %u cannot be listened on", port);
    print("dnsd: serving a zone of %zu records on port %u\n", server.zone.records_count, port);
    return serve_run();
}
