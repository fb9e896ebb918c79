// Processor exceptions on AArch64: Arm ARM (DDI 0487), D1.10 (vectors) and D17.2.37 (ESR_EL1).
#if defined(__aarch64__)
#include "bindings/hvt/hvt.h"

// Exception classes, taken without a change of level.
enum { INSTRUCTION_ABORT = 0x21, PC_ALIGNMENT = 0x22, DATA_ABORT = 0x25 };

void trap_report(uint64_t syndrome, uint64_t at, uint64_t address, uint64_t vector) __attribute__((noreturn, used));

static uint8_t trap_stack[4096] __attribute__((aligned(16), used));

// Nothing is saved, for nothing goes on; the stack is our own, because the program's may be what failed.
extern const uint8_t trap_vectors[];
__asm__(".pushsection .trap, \"ax\"\n"
        ".balign 2048\n"
        "trap_vectors:\n"
        "vector = 0\n"
        ".rept 16\n"
        ".balign 128\n"
        "mrs x0, esr_el1\n"
        "mrs x1, elr_el1\n"
        "mrs x2, far_el1\n"
        "mov x3, vector\n"
        "adrp x4, trap_stack + 4096\n"
        "add x4, x4, :lo12:trap_stack + 4096\n"
        "mov sp, x4\n"
        "b trap_report\n"
        "vector = vector + 1\n"
        ".endr\n"
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

void trap_report(uint64_t syndrome, uint64_t at, uint64_t address, uint64_t vector) {
    // The four kinds of a vector are synchronous, IRQ, FIQ and system error; ESR tells of the first only.
    static const char *const kinds[] = {NULL, "interrupt", "fast interrupt", "system error"};
    const char *kind = kinds[vector % 4];
    uint64_t class = syndrome >> 26 & 0x3f;
    // FAR_EL1 tells of these only.
    bool addressed = kind == NULL && (class == INSTRUCTION_ABORT || class == PC_ALIGNMENT || class == DATA_ABORT);
    trap_end(kind != NULL ? kind : name_of(class), syndrome, at, addressed ? address : 0, NULL);
}

void trap_install(void) {
    __asm__ volatile("msr vbar_el1, %0; isb" : : "r"(trap_vectors) : "memory");
}
#endif
