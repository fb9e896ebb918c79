// Runs one kernel, and tells how long it took, again and again: kernels NAME [ROUNDS] [REPEATS]
#include "kernels/kernels.h"

#include "kit.h"
#include "manifest.h"

MANIFEST();

static const struct kernel *const kernels[] = {
    &sieve, &sha256, &chase, &matmul, &crc16, &fib, &indirect, &matmul_f64, &triad, &search, &mark,
};

static const struct kernel *kernel_named(const char *cmdline) {
    struct word name;
    if (!find_argument(cmdline, 0, &name))
        fail("kernels: which one?");
    for (size_t i = 0; i < COUNT_OF(kernels); i++)
        if (word_is(name, kernels[i]->name))
            return kernels[i];
    fail("kernels: there is no '%.*s'", (int)name.size, name.at);
}

int solo5_app_main(const struct solo5_start_info *info) {
    const struct kernel *kernel = kernel_named(info->cmdline);
    uint64_t rounds = number_argument(info->cmdline, 1, 1);
    uint64_t repeats = number_argument(info->cmdline, 2, 1);
    if (kernel->prepare != NULL)
        kernel->prepare();
    solo5_time_t prepared = solo5_clock_monotonic();
    for (uint64_t repeat = 0; repeat < repeats; repeat++) {
        solo5_time_t start = solo5_clock_monotonic();
        uint64_t checksum = kernel->run(rounds);
        uint64_t ns = solo5_clock_monotonic() - start;
        print("%s: rounds=%lu checksum=%016lx at=%lu ns=%lu\n", kernel->name, rounds, checksum, start - prepared, ns);
    }
    return SOLO5_EXIT_SUCCESS;
}
