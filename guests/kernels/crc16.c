// CRC-16 (polynomial 0x8005, reflected) of 4 KiB, bit by bit.
#include "kernels/kernels.h"

#define BYTES 4096u

static uint8_t data[BYTES];

static uint16_t crc_of(uint16_t crc) {
    for (size_t i = 0; i < BYTES; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 1) != 0 ? crc >> 1 ^ 0xa001 : crc >> 1);
    }
    return crc;
}

static void prepare(void) {
    uint64_t random = 1;
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (uint8_t)random_next(&random);
}

static uint64_t run(uint64_t rounds) {
    uint16_t crc = 0xffff;
    for (uint64_t round = 0; round < rounds; round++)
        crc = crc_of(crc);
    return crc;
}

const struct kernel crc16 = {"crc16", prepare, run};
