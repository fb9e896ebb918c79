// Memory bandwidth by the four loops of McCalpin's STREAM, best of all repetitions: NAME [REPETITIONS] [ELEMENTS] [THREADS]
// Whoever includes this defines NAME, and `element`, a type of 64 bits.
#include "apps/bench.h"
#include "manifest.h"
#include "workers.h"

MANIFEST();

#define SCALAR ((element)3)

struct arrays {
    element *restrict a;
    element *restrict b;
    element *restrict c;
};

// Elements from `at` on, below `end`: one worker's part.
struct part {
    size_t at;
    size_t end;
};

__attribute__((noinline)) static void copy(const struct arrays *arrays, struct part part) {
    element *restrict a = arrays->a, *restrict c = arrays->c;
    for (size_t i = part.at; i < part.end; i++)
        c[i] = a[i];
}

__attribute__((noinline)) static void scale(const struct arrays *arrays, struct part part) {
    element *restrict b = arrays->b, *restrict c = arrays->c;
    for (size_t i = part.at; i < part.end; i++)
        b[i] = SCALAR * c[i];
}

__attribute__((noinline)) static void add(const struct arrays *arrays, struct part part) {
    element *restrict a = arrays->a, *restrict b = arrays->b, *restrict c = arrays->c;
    for (size_t i = part.at; i < part.end; i++)
        c[i] = a[i] + b[i];
}

__attribute__((noinline)) static void triad(const struct arrays *arrays, struct part part) {
    element *restrict a = arrays->a, *restrict b = arrays->b, *restrict c = arrays->c;
    for (size_t i = part.at; i < part.end; i++)
        a[i] = b[i] + SCALAR * c[i];
}

static struct {
    const char *name;
    void (*run)(const struct arrays *arrays, struct part part);
    unsigned bytes; // moved for each element
    uint64_t best_ns;
} loops[] = {
    {"copy", copy, 16, UINT64_MAX},
    {"scale", scale, 16, UINT64_MAX},
    {"add", add, 24, UINT64_MAX},
    {"triad", triad, 24, UINT64_MAX},
};

struct run {
    struct arrays arrays;
    size_t count;
    uint64_t repetitions;
    unsigned threads;
};

static uint64_t bits_of(element value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// What one element goes through, as each element must have.
static void check(const struct run *run) {
    const struct arrays *arrays = &run->arrays;
    element a = 1, b = 2, c = 0;
    for (uint64_t i = 0; i < run->repetitions; i++) {
        c = a;
        b = SCALAR * c;
        c = a + b;
        a = b + SCALAR * c;
    }
    for (size_t i = 0; i < run->count; i++)
        if (arrays->a[i] != a || arrays->b[i] != b || arrays->c[i] != c)
            fail(NAME ": element %zu is wrong", i);
    uint64_t checksum = bench_mix(bench_mix(bench_mix(0, bits_of(a)), bits_of(b)), bits_of(c));
    print(NAME ": checksum=%016lx\n", checksum);
}

// Each worker is the first to touch its part, so that the memory is near it.
static void work(void *context, unsigned index) {
    const struct run *run = context;
    struct arrays arrays = run->arrays;
    struct part part = {run->count * index / run->threads, run->count * (index + 1) / run->threads};
    for (size_t i = part.at; i < part.end; i++) {
        arrays.a[i] = 1;
        arrays.b[i] = 2;
        arrays.c[i] = 0;
    }
    for (uint64_t i = 0; i < run->repetitions; i++)
        for (size_t j = 0; j < COUNT_OF(loops); j++) {
            workers_meet();
            solo5_time_t start = solo5_clock_monotonic();
            loops[j].run(&arrays, part);
            workers_meet();
            uint64_t ns = solo5_clock_monotonic() - start;
            if (index == 0 && ns < loops[j].best_ns)
                loops[j].best_ns = ns;
        }
}

int solo5_app_main(const struct solo5_start_info *info) {
    uint64_t repetitions = number_argument(info->cmdline, 0, 10);
    uint64_t count = number_argument(info->cmdline, 1, 2000000);
    uint64_t threads = number_argument(info->cmdline, 2, 1);
    if (repetitions == 0 || repetitions > 200)
        fail(NAME ": 1 to 200 repetitions keep the numbers finite");
    if (count == 0 || count > UINT32_MAX)
        fail(NAME ": 1 to %u elements", UINT32_MAX);
    if (threads == 0 || threads > workers_max())
        fail(NAME ": %lu threads, but there is room for %u: one on each processor", threads, workers_max());
    struct arena arena = arena_of(info, BENCH_STACK_BYTES);
    struct run run = {.count = count, .repetitions = repetitions, .threads = (unsigned)threads};
    run.arrays.a = bench_memory(&arena, count * sizeof(element));
    run.arrays.b = bench_memory(&arena, count * sizeof(element));
    run.arrays.c = bench_memory(&arena, count * sizeof(element));
    workers_run(run.threads, work, &run);
    for (size_t j = 0; j < COUNT_OF(loops); j++) {
        uint64_t bytes = loops[j].bytes * count;
        uint64_t ns = loops[j].best_ns > 0 ? loops[j].best_ns : 1;
        uint64_t tenths = bytes * 10000 / ns;
        print(NAME ": loop=%s bytes=%lu best_ns=%lu mb_per_s=%lu.%lu\n", loops[j].name, bytes, ns, tenths / 10,
              tenths % 10);
    }
    check(&run);
    return SOLO5_EXIT_SUCCESS;
}
