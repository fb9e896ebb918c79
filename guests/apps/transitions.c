// Measures what a request to the host costs: transitions [CALLS]
#include "kit.h"
#include "manifest.h"

MANIFEST();

static uint64_t nothing(void) {
    __asm__ volatile("");
    return 0;
}

static uint64_t yield_over(void) {
    solo5_yield(0, NULL);
    return 0;
}

static void measure(const char *name, uint64_t (*call)(void), uint64_t calls) {
    call();
    solo5_time_t start = solo5_clock_monotonic();
    for (uint64_t i = 0; i < calls; i++)
        call();
    uint64_t ns = solo5_clock_monotonic() - start;
    uint64_t tenths = ns * 10 / calls;
    print("transitions: call=%s calls=%lu ns=%lu ns_per_call=%lu.%lu\n", name, calls, ns, tenths / 10, tenths % 10);
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t calls = number_argument(info->cmdline, 0, 100000);
    if (calls == 0)
        fail("transitions: nothing to measure");
    measure("none", nothing, calls);
    measure("clock_wall", solo5_clock_wall, calls);
    measure("clock_monotonic", solo5_clock_monotonic, calls);
    measure("yield", yield_over, calls);
    return SOLO5_EXIT_SUCCESS;
}
