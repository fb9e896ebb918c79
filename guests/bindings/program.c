#include "bindings/bindings.h"

#define HEAP_ALIGN 65536u

extern const char image_limit[]; // from the linker script: where the image's memory ends

void run_program(const char *cmdline, uintptr_t image_end, uintptr_t memory_end) {
    uintptr_t start = (uintptr_t)image_limit > image_end ? (uintptr_t)image_limit : image_end;
    start = (start + HEAP_ALIGN - 1) & ~(uintptr_t)(HEAP_ALIGN - 1);
    struct solo5_start_info info = {.cmdline = cmdline, .heap_start = start, .heap_size = memory_end - start};
    solo5_exit(solo5_app_main(&info));
}

void solo5_exit(int status) {
    platform_exit(status);
}

void solo5_abort(void) {
    static const char line[] = "abort: the program gave up\n";
    solo5_console_write(line, sizeof line - 1);
    platform_exit(SOLO5_EXIT_ABORT);
}
