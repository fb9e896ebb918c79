// SHA-256 (FIPS 180-4) over the same message again and again: sha256 [ITERATIONS] [BYTES]
// `sha256 --text=abc` prints the digest of one word.
#include "apps/bench.h"
#include "manifest.h"

MANIFEST();

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate(uint32_t x, unsigned by) {
    return x >> by | x << (32 - by);
}

static void absorb(uint32_t state[8], const uint8_t block[64]) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = load_be32(block + i * 4);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + rounds[i] + w[i];
        uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const uint32_t sum[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++)
        state[i] += sum[i];
}

static void sha256(const uint8_t *message, size_t size, uint8_t digest[32]) {
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t tail[128] = {0};
    size_t whole = size / 64 * 64, rest = size - whole;
    for (size_t at = 0; at < whole; at += 64)
        absorb(state, message + at);
    memcpy(tail, message + whole, rest);
    tail[rest] = 0x80;
    size_t end = rest < 56 ? 64 : 128;
    store_be32(tail + end - 8, (uint32_t)(size >> 29));
    store_be32(tail + end - 4, (uint32_t)(size << 3));
    for (size_t at = 0; at < end; at += 64)
        absorb(state, tail + at);
    for (int i = 0; i < 8; i++)
        store_be32(digest + i * 4, state[i]);
}

static void print_digest(struct word text) {
    uint8_t digest[32];
    sha256((const uint8_t *)text.at, text.size, digest);
    for (int i = 0; i < 32; i++)
        print("%02x", digest[i]);
    print("\n");
}

int solo5_app_main(const struct solo5_start_info *info) {
    struct word text;
    if (find_option(info->cmdline, "text", &text)) {
        print_digest(text);
        return SOLO5_EXIT_SUCCESS;
    }
    uint64_t iterations = number_argument(info->cmdline, 0, 100);
    uint64_t size = number_argument(info->cmdline, 1, 65536);
    struct arena arena = arena_of(info, BENCH_STACK_BYTES);
    uint8_t *message = bench_memory(&arena, size < 32 ? 32 : size);
    uint64_t state = 1;
    for (uint64_t i = 0; i < size; i++)
        message[i] = (uint8_t)bench_random(&state);
    solo5_time_t start = solo5_clock_monotonic();
    // Each digest is the next message's beginning.
    for (uint64_t i = 0; i < iterations; i++)
        sha256(message, size, message);
    uint64_t ns = solo5_clock_monotonic() - start;
    bench_report("sha256", iterations, (uint64_t)load_be32(message) << 32 | load_be32(message + 4), ns);
    return SOLO5_EXIT_SUCCESS;
}
