#include "servers/kv/storage.h"

#include "servers/kv/crc32c.h"
#include "servers/kv/hash.h"
#include "servers/kv/heap.h"

// The first log's superblock is the device's first block, so that it is found whatever size a block is said to have.
enum { SUPERBLOCKS = 2, HALF_BYTES_MIN = 65536, FORMAT = 1, FIRST_GENERATION = 2 };

static const uint8_t magic[8] = {'s', 'k', 'i', 'f', 'f', 'k', 'v', '\n'};

struct superblock {
    uint8_t magic[8];
    uint32_t checksum; // of all that follows
    uint32_t format;
    uint64_t identity;
    uint64_t generation;
    uint64_t half_blocks;
    uint64_t block_bytes;
};

struct storage storage;

static uint8_t *block; // for superblocks

static void read_block(uint64_t number, uint8_t *bytes) {
    if (solo5_block_read(storage.handle, number * storage.block_bytes, bytes, storage.block_bytes) != SOLO5_R_OK)
        fail("storage: block %lu cannot be read", (unsigned long)number);
}

// A write that fails leaves nothing to do but to end: replies that rely on it have not left.
static void write_block(uint64_t number, const uint8_t *bytes) {
    if (solo5_block_write(storage.handle, number * storage.block_bytes, bytes, storage.block_bytes) != SOLO5_R_OK)
        fail("storage: block %lu cannot be written", (unsigned long)number);
}

static uint64_t place_of(uint64_t generation, uint64_t number) {
    return SUPERBLOCKS + (generation & 1) * storage.half_blocks + number;
}

void storage_read(uint64_t generation, uint64_t number, uint8_t *bytes) {
    read_block(place_of(generation, number), bytes);
}

void storage_write(uint64_t generation, uint64_t number, const uint8_t *bytes) {
    write_block(place_of(generation, number), bytes);
}

static uint32_t checksum_of(const struct superblock *superblock) {
    const uint8_t *from = (const uint8_t *)&superblock->format;
    return crc32c(0, from, (size_t)((const uint8_t *)(superblock + 1) - from));
}

void storage_switch(uint64_t generation, uint64_t identity) {
    struct superblock superblock = {.format = FORMAT,
                                    .identity = identity,
                                    .generation = generation,
                                    .half_blocks = storage.half_blocks,
                                    .block_bytes = storage.block_bytes};
    memcpy(superblock.magic, magic, sizeof magic);
    superblock.checksum = checksum_of(&superblock);
    memset(block, 0, storage.block_bytes);
    memcpy(block, &superblock, sizeof superblock);
    write_block(generation % SUPERBLOCKS, block);
    storage.generation = generation;
    storage.identity = identity;
}

static bool is_blank(void) {
    for (uint32_t i = 0; i < storage.block_bytes; i++)
        if (block[i] != 0)
            return false;
    return true;
}

// Takes over the later of the two superblocks; true where one of them is valid, or none and both are blank.
static bool read_superblocks(void) {
    bool blank = true;
    for (uint64_t number = 0; number < SUPERBLOCKS; number++) {
        struct superblock superblock;
        read_block(number, block);
        memcpy(&superblock, block, sizeof superblock);
        blank &= is_blank();
        bool valid = memcmp(superblock.magic, magic, sizeof magic) == 0 &&
                     superblock.checksum == checksum_of(&superblock) && superblock.format == FORMAT;
        if (!valid || superblock.generation <= storage.generation)
            continue;
        if (superblock.block_bytes != storage.block_bytes || superblock.half_blocks != storage.half_blocks)
            fail("storage: the log was made on a device of %lu blocks of %lu bytes, and this one has other ones",
                 (unsigned long)(superblock.half_blocks * 2 + SUPERBLOCKS), (unsigned long)superblock.block_bytes);
        storage.identity = superblock.identity;
        storage.generation = superblock.generation;
    }
    return storage.generation != 0 || blank;
}

bool storage_open(const char *name) {
    struct solo5_block_info info;
    if (solo5_block_acquire(name, &storage.handle, &info) != SOLO5_R_OK)
        return false;
    storage.block_bytes = (uint32_t)info.block_size;
    storage.half_blocks =
        info.capacity / info.block_size < SUPERBLOCKS ? 0 : (info.capacity / info.block_size - SUPERBLOCKS) / 2;
    if (storage.half_blocks * storage.block_bytes < HALF_BYTES_MIN)
        fail("storage: %lu KiB are too little for a log; it needs %u", (unsigned long)(info.capacity / 1024),
             (2 * HALF_BYTES_MIN + SUPERBLOCKS * storage.block_bytes) / 1024);
    block = heap_take(storage.block_bytes);
    if (block == NULL)
        fail("storage: no memory for a block of %u bytes", storage.block_bytes);
    if (!read_superblocks())
        fail(
            "storage: the device holds something that is no log; to use it all the same, write zeros over its first %u "
            "bytes",
            SUPERBLOCKS * storage.block_bytes);
    if (storage.generation == 0)
        storage_switch(FIRST_GENERATION, random_u64());
    return true;
}
