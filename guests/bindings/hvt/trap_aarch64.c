// Processor exceptions on AArch64: Arm ARM (DDI 0487), D1.10 (vectors) and D17.2.37 (ESR_EL1).
#if defined(__aarch64__)
#include "bindings/hvt/hvt.h"

// Exception classes, taken without a change of level.
enum { INSTRUCTION_ABORT = 0x21, PC_ALIGNMENT = 0x22, DATA_ABORT = 0x25 };

// What a trap found, where Skiff looks for it behind a halt's cookie; as long as the tender asks for.
struct trap_frame {
    uint64_t x[31];
    uint64_t elr;
    uint64_t spsr;
    uint64_t esr;
    uint64_t sp;
    uint64_t far;
    uint64_t vector;
    uint64_t unused[27];
};
_Static_assert(sizeof(struct trap_frame) == 512, "HVT_HALT_COOKIE_MAX");

void trap_report(void) __attribute__((noreturn, used));

static struct trap_frame trap_frame __attribute__((aligned(16), used));
static uint8_t trap_stack[4096] __attribute__((aligned(16), used));

// Frame and stack are our own, because the program's stack may be what failed.
extern const uint8_t trap_vectors[];
__asm__(".pushsection .trap, \"ax\"\n"
        ".balign 2048\n"
        "trap_vectors:\n"
        "vector = 0\n"
        ".rept 16\n"
        ".balign 128\n"
        "msr tpidr_el1, x0\n"
        "adrp x0, trap_frame\n"
        "add x0, x0, :lo12:trap_frame\n"
        "str x1, [x0, #8]\n"
        "mov x1, vector\n"
        "b trap_common\n"
        "vector = vector + 1\n"
        ".endr\n"
        "trap_common:\n"
        "stp x2, x3, [x0, #16]\n"
        "stp x4, x5, [x0, #32]\n"
        "stp x6, x7, [x0, #48]\n"
        "stp x8, x9, [x0, #64]\n"
        "stp x10, x11, [x0, #80]\n"
        "stp x12, x13, [x0, #96]\n"
        "stp x14, x15, [x0, #112]\n"
        "stp x16, x17, [x0, #128]\n"
        "stp x18, x19, [x0, #144]\n"
        "stp x20, x21, [x0, #160]\n"
        "stp x22, x23, [x0, #176]\n"
        "stp x24, x25, [x0, #192]\n"
        "stp x26, x27, [x0, #208]\n"
        "stp x28, x29, [x0, #224]\n"
        "mrs x2, elr_el1\n"
        "stp x30, x2, [x0, #240]\n"
        "mrs x2, spsr_el1\n"
        "mrs x3, esr_el1\n"
        "stp x2, x3, [x0, #256]\n"
        "mov x2, sp\n"
        "mrs x3, far_el1\n"
        "stp x2, x3, [x0, #272]\n"
        "str x1, [x0, #288]\n"
        "mrs x2, tpidr_el1\n"
        "str x2, [x0]\n"
        "adrp x4, trap_stack + 4096\n"
        "add x4, x4, :lo12:trap_stack + 4096\n"
        "mov sp, x4\n"
        "b trap_report\n"
        ".popsection\n");

static const char *name_of(uint64_t class) {
    switch (class) {
    case 0x00:
        return "undefined instruction";
    case 0x07:
        return "no floating point";
    case 0x15:
        return "supervisor call";
    case 0x18:
        return "system register";
    case INSTRUCTION_ABORT:
        return "instruction abort";
    case PC_ALIGNMENT:
        return "program counter alignment";
    case DATA_ABORT:
        return "data abort";
    case 0x26:
        return "stack alignment";
    case 0x3c:
        return "breakpoint";
    default:
        return "exception";
    }
}

void trap_report(void) {
    // The four kinds of a vector are synchronous, IRQ, FIQ and system error; ESR tells of the first only.
    static const char *const kinds[] = {NULL, "interrupt", "fast interrupt", "system error"};
    const struct trap_frame *frame = &trap_frame;
    const char *kind = kinds[frame->vector % 4];
    uint64_t class = frame->esr >> 26 & 0x3f;
    // FAR_EL1 tells of these only.
    bool addressed = kind == NULL && (class == INSTRUCTION_ABORT || class == PC_ALIGNMENT || class == DATA_ABORT);
    trap_end(kind != NULL ? kind : name_of(class), frame->esr, frame->elr, addressed ? frame->far : 0, frame);
}

void trap_install(void) {
    __asm__ volatile("msr vbar_el1, %0; isb" : : "r"(trap_vectors) : "memory");
}
#endif
