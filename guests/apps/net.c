// Answers ARP, ping and UDP echo on the device `service`: net [--ipv4=10.0.0.2/24] [--limit=ANSWERS]
#include "lib/echo.h"
#include "manifest.h"

MANIFEST(NET("service"));

int solo5_app_main(const struct solo5_start_info *info) {
    struct echo_port port = echo_open(info->cmdline, "service", "ipv4", "10.0.0.2/24");
    uint64_t limit = UINT64_MAX;
    struct word word;
    if (find_option(info->cmdline, "limit", &word) && !word_to_u64(word, &limit))
        fail("--limit needs a number");
    echo_serve(&port, 1, limit);
    print("net: answered %lu\n", limit);
    return SOLO5_EXIT_SUCCESS;
}
