// What the kit's bindings are elsewhere: a program of the kit without an operating system on QEMU's `virt` board, at EL1,
// with the MMU and the caches on. Text goes out by the PL011; the words and the end by semihosting.
#include "bindings/bindings.h"
#include "bindings/counter.h"

#define PL011_DATA ((volatile uint32_t *)0x09000000)
#define MEMORY_START 0x40000000ull
#define MEMORY_BYTES 0x8000000ull // as the bench starts QEMU
#define BLOCK_BYTES 0x200000ull
#define STACK_BYTES 65536u

// Entered at EL1 with the MMU off. The vectors are those of exceptions from EL1 with its own stack pointer.
__asm__(".section .text.start, \"ax\"\n"
        ".globl start\n"
        "start: adrp x0, stack\n"
        "add x0, x0, :lo12:stack\n"
        "add sp, x0, #0x10, lsl #12\n" // STACK_BYTES
        "mov x29, xzr\n"
        "mov x30, xzr\n"
        "b virt_start\n"
        ".balign 2048\n"
        ".globl vectors\n"
        "vectors: .fill 512, 1, 0\n"
        "b exception\n"
        ".text\n");

extern const char writable_start[], vectors[], image_limit[];

static uint8_t stack[STACK_BYTES] __attribute__((used, aligned(16)));
_Static_assert(STACK_BYTES == 0x10 << 12, "where the stack begins");

// Semihosting ----------------------------------------------------------------------------------------------------------
// Arm, "Semihosting for AArch32 and AArch64", release 2.0.

enum { SYS_GET_CMDLINE = 0x15, SYS_EXIT = 0x18 };
#define ADP_STOPPED_APPLICATION_EXIT 0x20026

static long semihosting(long operation, void *arguments) {
    register long x0 __asm__("x0") = operation;
    register void *x1 __asm__("x1") = arguments;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
}

void platform_exit(int status) {
    uint64_t arguments[2] = {ADP_STOPPED_APPLICATION_EXIT, (uint64_t)status};
    for (;;)
        semihosting(SYS_EXIT, arguments);
}

// Memory ---------------------------------------------------------------------------------------------------------------
// Arm ARM, D8.3: 39 bits of address and pages of 4 KiB, of which the first level has 1 GiB an entry, the next one 2 MiB.

enum {
    TABLE = 3,
    BLOCK = 1,
    NORMAL = 1 << 2, // the attributes' index in MAIR_EL1
    READ_ONLY = 1 << 7,
    INNER_SHAREABLE = 3 << 8,
    ACCESSED = 1 << 10,
};
#define NEVER_EXECUTED (3ull << 53)
#define MAIR 0xff00ull // 0: device memory; 1: write-back
// 39 bits; tables are cached write-back; no walks in the upper half.
#define TCR (25ull | 1ull << 8 | 1ull << 10 | 3ull << 12 | 1ull << 23)
#define SCTLR_MMU_AND_CACHES (1ull | 1ull << 2 | 1ull << 12)

static uint64_t first_level[512] __attribute__((aligned(4096)));
static uint64_t second_level[512] __attribute__((aligned(4096)));

#define WRITE_REGISTER(name, value) __asm__ volatile("msr " name ", %0" : : "r"((uint64_t)(value)) : "memory")

static void use_memory(void) {
    first_level[0] = BLOCK | ACCESSED | NEVER_EXECUTED;
    first_level[1] = (uintptr_t)second_level | TABLE;
    for (uint64_t i = 0; i < MEMORY_BYTES / BLOCK_BYTES; i++) {
        uint64_t address = MEMORY_START + i * BLOCK_BYTES;
        uint64_t rights = address < (uintptr_t)writable_start ? READ_ONLY : NEVER_EXECUTED;
        second_level[i] = address | BLOCK | NORMAL | INNER_SHAREABLE | ACCESSED | rights;
    }
    WRITE_REGISTER("mair_el1", MAIR);
    WRITE_REGISTER("tcr_el1", TCR);
    WRITE_REGISTER("ttbr0_el1", first_level);
    __asm__ volatile("dsb sy; tlbi vmalle1; dsb sy; isb" : : : "memory");
    uint64_t control;
    __asm__ volatile("mrs %0, sctlr_el1" : "=r"(control));
    WRITE_REGISTER("sctlr_el1", control | SCTLR_MMU_AND_CACHES);
    WRITE_REGISTER("cpacr_el1", 3 << 20); // FP and SIMD do not trap
    __asm__ volatile("isb" : : : "memory");
}

// The program's surroundings -------------------------------------------------------------------------------------------

static uint64_t ns_per_tick; // in units of 2^-32
static char cmdline[256];

solo5_time_t solo5_clock_monotonic(void) {
    return (uint64_t)((unsigned __int128)read_counter() * ns_per_tick >> 32);
}

void solo5_console_write(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        *PL011_DATA = (uint8_t)text[i];
}

void exception(void) __attribute__((noreturn, used));

void exception(void) {
    uint64_t syndrome, from;
    __asm__("mrs %0, esr_el1; mrs %1, elr_el1" : "=r"(syndrome), "=r"(from));
    fail("exception at 0x%lx, ESR 0x%lx", from, syndrome);
}

void virt_start(void) __attribute__((noreturn, used));

void virt_start(void) {
    WRITE_REGISTER("vbar_el1", vectors);
    use_memory();
    uint64_t hz;
    __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
    ns_per_tick = (NS_PER_S << 32) / hz;
    uint64_t line[2] = {(uintptr_t)cmdline, sizeof cmdline};
    if (semihosting(SYS_GET_CMDLINE, line) != 0)
        fail("no command line that fits");
    run_program(cmdline, (uintptr_t)image_limit, MEMORY_START + MEMORY_BYTES);
}
