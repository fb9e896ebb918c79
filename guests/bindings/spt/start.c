#include "bindings/counter.h"
#include "bindings/linux/linux.h"

DECLARE_ABI(ABI_SPT, SPT_ABI_VERSION);

void start(const struct spt_boot_info *info) __attribute__((noreturn));

__attribute__((no_stack_protector)) void start(const struct spt_boot_info *info) {
    seed_stack_guard(read_counter() ^ (uintptr_t)info->cmdline);
    linux_run(info);
}
