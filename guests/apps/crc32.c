// CRC-32 (IEEE 802.3, reflected), a byte at a time by a table: crc32 [ITERATIONS] [BYTES]
#include "apps/bench.h"
#include "manifest.h"

MANIFEST();

static uint32_t table[256];

static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (0xedb88320 & -(value & 1));
        table[i] = value;
    }
}

__attribute__((noinline)) static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size) {
    crc = ~crc;
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xff];
    return ~crc;
}

int solo5_app_main(const struct solo5_start_info *info) {
    make_table();
    if (crc32(0, (const uint8_t *)"123456789", 9) != 0xcbf43926)
        fail("crc32: the known answer does not come out");
    uint64_t iterations = number_argument(info->cmdline, 0, 10);
    uint64_t size = number_argument(info->cmdline, 1, 1 << 20);
    struct arena arena = arena_of(info, BENCH_STACK_BYTES);
    uint8_t *data = bench_memory(&arena, size);
    uint64_t state = 1;
    for (uint64_t i = 0; i < size; i++)
        data[i] = (uint8_t)bench_random(&state);
    uint32_t crc = 0;
    solo5_time_t start = solo5_clock_monotonic();
    for (uint64_t i = 0; i < iterations; i++)
        crc = crc32(crc, data, size);
    bench_report("crc32", iterations, crc, solo5_clock_monotonic() - start);
    return SOLO5_EXIT_SUCCESS;
}
