// As net, on the devices `service0` and `service1`:
//   net2 [--ipv4=10.0.0.2/24] [--ipv4-second=10.1.0.2/24] [--limit=ANSWERS]
#include "lib/echo.h"
#include "manifest.h"

MANIFEST(NET("service0"), NET("service1"));

int solo5_app_main(const struct solo5_start_info *info) {
    const struct echo_port ports[] = {
        echo_open(info->cmdline, "service0", "ipv4", "10.0.0.2/24"),
        echo_open(info->cmdline, "service1", "ipv4-second", "10.1.0.2/24"),
    };
    uint64_t limit = UINT64_MAX;
    struct word word;
    if (find_option(info->cmdline, "limit", &word) && !word_to_u64(word, &limit))
        fail("--limit needs a number");
    echo_serve(ports, COUNT_OF(ports), limit);
    print("net2: answered %lu\n", limit);
    return SOLO5_EXIT_SUCCESS;
}
