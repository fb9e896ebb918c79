#include "servers/kv/entropy.h"

#if defined(__x86_64__)
// CPUID 1, ECX bit 30, and RDRAND (Intel SDM, volume 2).
uint64_t processor_random(void) {
    enum { HAS_RDRAND = 1 << 30 };
    uint32_t a = 1, b, c = 0, d;
    uint64_t word = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (c & HAS_RDRAND)
        __asm__ volatile("rdrand %0; jc 1f; xor %k0, %k0; 1:" : "=r"(word) : : "cc");
    return word;
}
#else
// ID_AA64ISAR0_EL1.RNDR, bits 63 to 60, and RNDR, whose flag Z tells that it failed (Arm ARM, D19.2.61 and C5.2.22).
uint64_t processor_random(void) {
    uint64_t features, word = 0, failed;
    __asm__("mrs %0, s3_0_c0_c6_0" : "=r"(features));
    if (features >> 60 != 0) {
        __asm__ volatile("mrs %0, s3_3_c2_c4_0; cset %1, eq" : "=r"(word), "=r"(failed) : : "cc");
        word = failed ? 0 : word;
    }
    return word;
}
#endif
