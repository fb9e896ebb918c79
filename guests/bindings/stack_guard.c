#include "bindings/bindings.h"

// The names are GCC's: -fstack-protector-strong with a global guard.
uintptr_t __stack_chk_guard = 0x9e3779b97f4a7c00;
void __stack_chk_fail(void) __attribute__((noreturn));

// SplitMix64's finaliser. The lowest byte stays 0, so that a string that runs over cannot carry the guard with it.
__attribute__((no_stack_protector)) void seed_stack_guard(uint64_t entropy) {
    uint64_t x = entropy + __stack_chk_guard;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    __stack_chk_guard = (x ^ x >> 31) & ~(uintptr_t)0xff;
}

void __stack_chk_fail(void) {
    static const char line[] = "abort: stack smashed\n";
    solo5_console_write(line, sizeof line - 1);
    platform_exit(SOLO5_EXIT_ABORT);
}
