#include "net/secret.h"

#include "net/siphash.h"

#if defined(__x86_64__)
#include <cpuid.h>

static bool has_random(void) {
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_RDRND) != 0;
}

static bool read_random(uint64_t *value) {
    bool ok;
    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
    return ok;
}
#else
// ID_AA64ISAR0_EL1.RNDR, bits 63 to 60 (Arm ARM, D19.2.61). The register is readable where the program runs at EL1, and
// under Linux, which emulates the read.
static bool has_random(void) {
    uint64_t features;
    __asm__("mrs %0, s3_0_c0_c6_0" : "=r"(features));
    return features >> 60 != 0;
}

static bool read_random(uint64_t *value) {
    uint64_t failed;
    __asm__ volatile("mrs %0, s3_3_c2_c4_0\n\tcset %1, eq" : "=r"(*value), "=r"(failed) : : "cc"); // RNDR; Z: none
    return failed == 0;
}
#endif

void secret_gather(uint64_t secret[2], uint64_t salt) {
    uint64_t random[4] = {0};
    if (has_random())
        for (size_t i = 0; i < COUNT_OF(random); i++)
            for (int tries = 0; tries < 10 && !read_random(&random[i]); tries++)
                continue;
    uint64_t wall_ns = solo5_clock_wall(), monotonic_ns = solo5_clock_monotonic();
    uint64_t words[] = {random[0], random[1], random[2], random[3], wall_ns, monotonic_ns, salt, 0};
    const uint64_t key[2] = {0};
    secret[0] = siphash(key, words, COUNT_OF(words));
    words[COUNT_OF(words) - 1] = 1;
    secret[1] = siphash(key, words, COUNT_OF(words));
}
