#include "bindings/hvt/hvt.h"

void hvt_halt(int status, const void *cookie) {
    struct hypercall_halt halt = {.cookie = cookie, .exit_status = status};
    for (;;)
        hypercall(HYPERCALL_HALT, &halt);
}

void platform_exit(int status) {
    hvt_halt(status, NULL);
}

bool platform_set_tls_base(uintptr_t base) {
#if defined(__x86_64__)
    const uint32_t msr_fs_base = 0xc0000100;
    __asm__ volatile("wrmsr" : : "c"(msr_fs_base), "a"((uint32_t)base), "d"((uint32_t)(base >> 32)) : "memory");
#else
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(base) : "memory");
#endif
    return true;
}

void solo5_console_write(const char *text, size_t size) {
    struct hypercall_puts puts = {.text = text, .size = size};
    hypercall(HYPERCALL_PUTS, &puts);
}
