// Product of two square matrices of 32-bit integers: matmul [ITERATIONS] [SIDE]
#include "apps/bench.h"
#include "manifest.h"

MANIFEST();

__attribute__((noinline)) static void multiply(uint32_t *restrict c, const uint32_t *a, const uint32_t *b,
                                               size_t side) {
    memset(c, 0, side * side * sizeof *c);
    for (size_t i = 0; i < side; i++)
        for (size_t k = 0; k < side; k++) {
            uint32_t factor = a[i * side + k];
            for (size_t j = 0; j < side; j++)
                c[i * side + j] += factor * b[k * side + j];
        }
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t iterations = number_argument(info->cmdline, 0, 10);
    uint64_t side = number_argument(info->cmdline, 1, 128);
    if (side == 0 || side > 8192)
        fail("matmul: the side is 1 to 8192");
    struct arena arena = arena_of(info, BENCH_STACK_BYTES);
    size_t count = side * side;
    uint32_t *a = bench_memory(&arena, count * sizeof *a);
    uint32_t *b = bench_memory(&arena, count * sizeof *b);
    uint32_t *c = bench_memory(&arena, count * sizeof *c);
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        a[i] = (uint32_t)bench_random(&state);
        b[i] = (uint32_t)bench_random(&state);
    }
    solo5_time_t start = solo5_clock_monotonic();
    for (uint64_t i = 0; i < iterations; i++) {
        multiply(c, a, b, side);
        a[i % count] ^= c[count - 1];
    }
    uint64_t ns = solo5_clock_monotonic() - start;
    uint64_t checksum = 0;
    for (size_t i = 0; i < count; i++)
        checksum = bench_mix(checksum, c[i]);
    bench_report("matmul", iterations, checksum, ns);
    return SOLO5_EXIT_SUCCESS;
}
