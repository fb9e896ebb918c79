#include "bindings/linux/linux.h"

void linux_run(const struct spt_boot_info *info) {
    devices_use(info->manifest);
    wait_use(info);
    run_program(info->cmdline, info->image_end, info->memory_bytes);
}

void platform_exit(int status) {
    for (;;)
        linux_call(CALL_EXIT_GROUP, status, 0, 0, 0, 0, 0);
}

bool platform_set_tls_base(uintptr_t base) {
#if defined(__x86_64__)
    enum { ARCH_SET_FS = 0x1002 };
    return linux_call(CALL_ARCH_PRCTL, ARCH_SET_FS, (long)base, 0, 0, 0, 0) == 0;
#else
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(base) : "memory");
    return true;
#endif
}
