// Memory bandwidth by the four loops of McCalpin's STREAM, best of all repetitions: stream [REPETITIONS] [ELEMENTS]
#include "apps/bench.h"
#include "manifest.h"

MANIFEST();

#define SCALAR 3.0

struct arrays {
    double *restrict a;
    double *restrict b;
    double *restrict c;
    size_t count;
};

__attribute__((noinline)) static void copy(const struct arrays *arrays) {
    double *restrict a = arrays->a, *restrict c = arrays->c;
    for (size_t i = 0; i < arrays->count; i++)
        c[i] = a[i];
}

__attribute__((noinline)) static void scale(const struct arrays *arrays) {
    double *restrict b = arrays->b, *restrict c = arrays->c;
    for (size_t i = 0; i < arrays->count; i++)
        b[i] = SCALAR * c[i];
}

__attribute__((noinline)) static void add(const struct arrays *arrays) {
    double *restrict a = arrays->a, *restrict b = arrays->b, *restrict c = arrays->c;
    for (size_t i = 0; i < arrays->count; i++)
        c[i] = a[i] + b[i];
}

__attribute__((noinline)) static void triad(const struct arrays *arrays) {
    double *restrict a = arrays->a, *restrict b = arrays->b, *restrict c = arrays->c;
    for (size_t i = 0; i < arrays->count; i++)
        a[i] = b[i] + SCALAR * c[i];
}

static struct {
    const char *name;
    void (*run)(const struct arrays *arrays);
    unsigned bytes; // moved for each element
    uint64_t best_ns;
} loops[] = {
    {"copy", copy, 16, UINT64_MAX},
    {"scale", scale, 16, UINT64_MAX},
    {"add", add, 24, UINT64_MAX},
    {"triad", triad, 24, UINT64_MAX},
};

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// What one element goes through, as each element must have.
static void check(const struct arrays *arrays, uint64_t repetitions) {
    double a = 1, b = 2, c = 0;
    for (uint64_t i = 0; i < repetitions; i++) {
        c = a;
        b = SCALAR * c;
        c = a + b;
        a = b + SCALAR * c;
    }
    for (size_t i = 0; i < arrays->count; i++)
        if (arrays->a[i] != a || arrays->b[i] != b || arrays->c[i] != c)
            fail("stream: element %zu is wrong", i);
    uint64_t checksum = bench_mix(bench_mix(bench_mix(0, bits_of(a)), bits_of(b)), bits_of(c));
    print("stream: checksum=%016lx\n", checksum);
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t repetitions = number_argument(info->cmdline, 0, 10);
    uint64_t count = number_argument(info->cmdline, 1, 2000000);
    if (repetitions == 0 || repetitions > 200)
        fail("stream: 1 to 200 repetitions keep the numbers finite");
    if (count == 0 || count > UINT32_MAX)
        fail("stream: 1 to %u elements", UINT32_MAX);
    struct arena arena = arena_of(info, BENCH_STACK_BYTES);
    struct arrays arrays = {.count = count};
    arrays.a = bench_memory(&arena, count * sizeof(double));
    arrays.b = bench_memory(&arena, count * sizeof(double));
    arrays.c = bench_memory(&arena, count * sizeof(double));
    for (size_t i = 0; i < count; i++) {
        arrays.a[i] = 1;
        arrays.b[i] = 2;
        arrays.c[i] = 0;
    }
    for (uint64_t i = 0; i < repetitions; i++)
        for (size_t j = 0; j < COUNT_OF(loops); j++) {
            solo5_time_t start = solo5_clock_monotonic();
            loops[j].run(&arrays);
            uint64_t ns = solo5_clock_monotonic() - start;
            loops[j].best_ns = ns < loops[j].best_ns ? ns : loops[j].best_ns;
        }
    for (size_t j = 0; j < COUNT_OF(loops); j++) {
        uint64_t bytes = loops[j].bytes * count;
        uint64_t ns = loops[j].best_ns > 0 ? loops[j].best_ns : 1;
        uint64_t tenths = bytes * 10000 / ns;
        print("stream: loop=%s bytes=%lu best_ns=%lu mb_per_s=%lu.%lu\n", loops[j].name, bytes, ns, tenths / 10,
              tenths % 10);
    }
    check(&arrays, repetitions);
    return SOLO5_EXIT_SUCCESS;
}
