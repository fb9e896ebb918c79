// Processor exceptions on x86-64: Intel SDM volume 3, chapters 6 (interrupts) and 7.7 (the 64-bit TSS).
// The tender's own descriptor table lies in memory that the guest cannot read, so that tables of ours must replace it.
#if defined(__x86_64__)
#include "bindings/hvt/hvt.h"

enum { VECTORS = 32, SELECTOR_CODE = 0x08, SELECTOR_TSS = 0x18, PAGE_FAULT = 14 };

struct gate {
    uint16_t offset_0;
    uint16_t selector;
    uint8_t stack; // which of the TSS's
    uint8_t type;
    uint16_t offset_16;
    uint32_t offset_32;
    uint32_t reserved;
};
_Static_assert(sizeof(struct gate) == 16, "SDM 3, figure 6-8");

struct task_state {
    uint32_t reserved_0;
    uint64_t privilege_stack[3];
    uint64_t reserved_1;
    uint64_t stack[7];
    uint64_t reserved_2;
    uint16_t reserved_3;
    uint16_t port_map;
} __attribute__((packed));
_Static_assert(sizeof(struct task_state) == 104, "SDM 3, figure 7-11");

struct table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

// In the order of struct x86_trap_regs, which Solo5's tender looks for behind a halt's cookie.
struct trap_frame {
    uint64_t cr2;
    uint64_t error;
    uint64_t rip;
    uint64_t cs;
    uint64_t rflags;
    uint64_t rsp;
    uint64_t ss;
};

void trap_report(uint64_t vector, const struct trap_frame *frame) __attribute__((noreturn, used));

// Entries of 16 bytes. The processor pushes an error code for vectors 8, 10 to 14, 17, 21, 29 and 30 only.
extern const uint8_t trap_entries[];
__asm__(".pushsection .trap, \"ax\"\n"
        ".balign 16\n"
        "trap_entries:\n"
        "vector = 0\n"
        ".rept 32\n"
        ".balign 16\n"
        ".if (0x60227d00 >> vector) & 1 == 0\n"
        "pushq $0\n"
        ".endif\n"
        "movl $vector, %edi\n"
        "jmp trap_common\n"
        "vector = vector + 1\n"
        ".endr\n"
        "trap_common:\n"
        "movq %cr2, %rax\n"
        "pushq %rax\n"
        "movq %rsp, %rsi\n"
        "cld\n"
        "subq $8, %rsp\n"
        "call trap_report\n"
        ".popsection\n");

static struct gate gates[VECTORS];
static struct task_state task;
static uint64_t descriptors[5] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};
// Above the frame there must be readable memory for the whole of a halt's cookie.
static uint8_t trap_stack[4096 + HALT_COOKIE_BYTES] __attribute__((aligned(16)));

static const char *const names[VECTORS] = {
    [0] = "divide error",         [1] = "debug",
    [3] = "breakpoint",           [6] = "invalid opcode",
    [7] = "no floating point",    [8] = "double fault",
    [11] = "segment not present", [12] = "stack fault",
    [13] = "general protection",  [PAGE_FAULT] = "page fault",
    [16] = "floating point",      [17] = "alignment",
    [19] = "SIMD floating point",
};

void trap_report(uint64_t vector, const struct trap_frame *frame) {
    const char *name = names[vector] != NULL ? names[vector] : "exception";
    uint64_t code = names[vector] != NULL ? frame->error : vector;
    trap_end(name, code, frame->rip, vector == PAGE_FAULT ? frame->cr2 : 0, frame);
}

void trap_install(void) {
    enum { INTERRUPT_GATE = 0x8e, TSS_AVAILABLE = 0x89 };
    for (int i = 0; i < VECTORS; i++) {
        uintptr_t entry = (uintptr_t)trap_entries + (uintptr_t)i * 16;
        gates[i] = (struct gate){.offset_0 = (uint16_t)entry,
                                 .selector = SELECTOR_CODE,
                                 .stack = 1,
                                 .type = INTERRUPT_GATE,
                                 .offset_16 = (uint16_t)(entry >> 16)};
    }
    task.stack[0] = (uintptr_t)trap_stack + sizeof trap_stack - HALT_COOKIE_BYTES;
    task.port_map = sizeof task;
    uint64_t base = (uintptr_t)&task;
    descriptors[3] =
        (sizeof task - 1) | (base & 0xffffff) << 16 | (uint64_t)TSS_AVAILABLE << 40 | (base >> 24 & 0xff) << 56;
    descriptors[4] = base >> 32;

    struct table gdt = {sizeof descriptors - 1, (uintptr_t)descriptors};
    struct table idt = {sizeof gates - 1, (uintptr_t)gates};
    __asm__ volatile("lgdt %0; ltr %w1; lidt %2" : : "m"(gdt), "r"(SELECTOR_TSS), "m"(idt) : "memory");
}
#endif
