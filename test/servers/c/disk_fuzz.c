// Reads a block device at any offset in any size, while some reads of it fail, and compares with what is on it.
//
//   disk_fuzz SEED COUNT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_solo5.h"
#include "random.h"
#include "servers/common/disk.h"

#define DISK_BYTES 16384
#define BLOCK_BYTES 512

int main(int argc, char **argv) {
    static uint8_t bytes[DISK_BYTES], heap_bytes[2 * BLOCK_BYTES];
    if (argc != 3)
        return 2;
    uint64_t state = strtoull(argv[1], NULL, 0);
    unsigned long runs = strtoul(argv[2], NULL, 0), failed = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random_next(&state);
    fake_solo5.block_name = "disk";
    fake_solo5.block_bytes = bytes;
    fake_solo5.block_capacity = DISK_BYTES;
    fake_solo5.block_size = BLOCK_BYTES;
    struct arena heap = {(uintptr_t)heap_bytes, (uintptr_t)heap_bytes + sizeof heap_bytes};
    struct disk disk;
    disk_open(&disk, "disk", &heap);
    for (unsigned long run = 0; run < runs; run++) {
        size_t offset = random_below(&state, DISK_BYTES + 10), size = random_below(&state, 3 * BLOCK_BYTES);
        uint8_t *to = malloc(size);
        fake_solo5.block_fails = random_below(&state, 4) == 0;
        bool is_read = disk_read(&disk, offset, to, size), is_inside = offset + size <= DISK_BYTES;
        if (is_read && (!is_inside || memcmp(to, bytes + offset, size) != 0)) {
            fprintf(stderr, "disk_fuzz: %zu bytes at %zu are wrong\n", size, offset);
            abort();
        }
        if (!is_read && is_inside && !fake_solo5.block_fails) {
            fprintf(stderr, "disk_fuzz: %zu bytes at %zu are not read\n", size, offset);
            abort();
        }
        failed += !is_read;
        free(to);
    }
    printf("%lu reads, %lu failed\n", runs, failed);
    return 0;
}
