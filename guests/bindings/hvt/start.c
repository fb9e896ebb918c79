#include "bindings/counter.h"
#include "bindings/hvt/hvt.h"

DECLARE_ABI(ABI_HVT, HVT_ABI_VERSION);

void start(const struct hvt_boot_info *info) __attribute__((noreturn));

__attribute__((no_stack_protector)) void start(const struct hvt_boot_info *info) {
    seed_stack_guard(read_counter() ^ info->counter_hz);
    trap_install();
    clock_use(info->counter_hz);
    devices_use(info->manifest);
    if ((info->host_features & HVT_FEATURE_RING_IO) != 0)
        net_ring = info->net_ring;
    run_program(info->cmdline, info->image_end, info->memory_bytes);
}
