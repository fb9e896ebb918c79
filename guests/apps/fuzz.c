// A hostile guest: hypercalls with random numbers, pointers, lengths and contents, and as random requests in the network
// ring: fuzz [--seed=1] [--calls=1000]. Devices: a block device `storage` (1) and a network device `service` (2).
//
// Whoever runs it lets it go on after a hypercall that the ABI has not, and after a halt: it ends where it says so.
#include "apps/bench.h"
#include "bindings/hvt/hvt.h"
#include "manifest.h"

MANIFEST(BLOCK("storage"), NET("service"));

enum { ARENA_BYTES = 65536, CALLS_A_RING_ATTACK = 8, GAP_BYTES = 8192 };

static uint8_t arena[ARENA_BYTES] __attribute__((aligned(4096)));
static uint64_t memory_end;
static uint64_t state;

static uint64_t draw(void) {
    return bench_random(&state);
}

// Where checks go wrong: at the ends of the memory, of what 32 and 64 bits hold, of what a double holds exactly.
static uint64_t edge(uint64_t bits) {
    static const uint64_t edges[] = {0,          1ull << 31,         1ull << 32, 1ull << 53,
                                     1ull << 63, 0x100000000 - 4096, 0x10000,    0xf0000};
    uint64_t base = (bits & 8) != 0 ? memory_end : edges[bits & 7];
    return base + (bits >> 4 & 127) - 64;
}

static uint64_t any_pointer(uint64_t bits) {
    uint64_t kind = bits & 31;
    bits >>= 5;
    if (kind < 20)
        return (uintptr_t)arena + bits % (ARENA_BYTES - 4096);
    if (kind < 28)
        return memory_end - (bits & 2047);
    return kind < 31 ? edge(bits) : bits << 5;
}

static uint64_t any_length(uint64_t bits) {
    uint64_t kind = bits & 31;
    bits >>= 5;
    if (kind < 12)
        return 512;
    if (kind < 28)
        return bits & 2047;
    return kind < 31 ? edge(bits) : bits;
}

// Mostly a device that is there.
static uint64_t any_handle(uint64_t bits) {
    return (bits & 15) < 14 ? 1 + (bits & 1) : bits >> 4;
}

static void attack_by_call(void) {
    uint64_t bits = draw();
    uint64_t *request = (uint64_t *)(void *)(arena + (bits & 0xff8));
    uint64_t number = bits >> 12 & 7;
    if (number == 0)
        number = (bits >> 15 & 15) == 0 ? bits >> 19 & 31 : HYPERCALL_NET_READ;
    bool is_block = number == HYPERCALL_BLOCK_READ || number == HYPERCALL_BLOCK_WRITE;
    uint64_t more = draw();
    if (number >= HYPERCALL_BLOCK_WRITE && number <= HYPERCALL_NET_READ)
        *request++ = any_handle(more);
    if (is_block)
        *request++ = (more & 0x70) == 0 ? edge(more >> 7) : (more >> 7 & 127) * 512;
    request[0] = any_pointer(more >> 20);
    request[1] = any_length(draw());
    request = (uint64_t *)(void *)(arena + (bits & 0xff8));
    if ((bits >> 40 & 63) == 0)
        request = (uint64_t *)(uintptr_t)edge(bits >> 46);
    hypercall((enum hypercall)number, request);
}

// Mostly what can be served, for a request that cannot ends the guest.
static void attack_by_ring(struct net_ring *ring) {
    uint64_t bits = draw();
    uint32_t made = ring->requests_made;
    uint32_t requests = bits & 7;
    for (uint32_t i = 0; i < requests; i++) {
        struct net_ring_request *request = &ring->request[(made + i) % NET_RING_ENTRIES];
        uint64_t more = draw();
        bool is_wild = (more & 63) == 0;
        more >>= 6;
        request->operation = is_wild && (more & 6) == 0 ? (uint32_t)(more >> 8) : 1 + (more & 1);
        request->handle = (uint32_t)any_handle(more >> 1);
        request->data =
            (const void *)(is_wild ? (uintptr_t)any_pointer(more >> 8) : (uintptr_t)arena + (more >> 8 & 0xffff) / 2);
        request->size = (uint32_t)(is_wild ? any_length(draw()) : more >> 24 & 2047);
    }
    bool is_torn = (bits >> 3 & 255) == 0;
    __atomic_store_n(&ring->requests_made, is_torn ? made + (uint32_t)(bits >> 32) : made + requests, __ATOMIC_SEQ_CST);
    // The program's own count, and those that are the tender's.
    ring->answers_taken = (bits >> 11 & 255) == 0 ? (uint32_t)(bits >> 30) : ring->answers_made;
    if ((bits >> 19 & 31) == 0)
        (&ring->requests_taken)[bits >> 24 & 1] = (uint32_t)(bits >> 25);
    if ((bits >> 26 & 3) == 0)
        ring->wants_bell = (uint32_t)(bits >> 28);
    // A request changes under the tender's eyes.
    if ((bits >> 32 & 63) == 0)
        ring->request[made % NET_RING_ENTRIES].data = (const void *)(uintptr_t)edge(bits >> 40);
    if ((bits >> 38 & 3) != 0)
        doorbell();
}

__attribute__((noinline, noreturn)) static void attack(uint64_t calls) {
    for (uint64_t call = 0; call < calls; call++) {
        attack_by_call();
        if (net_ring != NULL && call % CALLS_A_RING_ATTACK == 0)
            attack_by_ring(net_ring);
    }
    print("fuzz: done\n");
    solo5_exit(SOLO5_EXIT_SUCCESS);
}

int solo5_app_main(const struct solo5_start_info *info) {
    struct word word;
    uint64_t seed = 1, calls = 1000;
    if (find_option(info->cmdline, "seed", &word) && !word_to_u64(word, &seed))
        fail("--seed needs a number");
    if (find_option(info->cmdline, "calls", &word) && !word_to_u64(word, &calls))
        fail("--calls needs a number");
    memory_end = info->heap_start + info->heap_size;
    // Never 0, where the generator would stay.
    state = seed * 2 + 1;
    print("fuzz: seed=%lu calls=%lu ring=%d\n", seed, calls, net_ring != NULL);
    // Answers go to the last bytes of memory, too, where the stack is up to here.
    uint8_t gap[GAP_BYTES];
    __asm__ volatile("" : : "r"(gap) : "memory");
    attack(calls);
}
