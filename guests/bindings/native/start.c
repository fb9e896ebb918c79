// Begins a native program: opens the devices that the options name, maps its memory as a tender would, and goes on as
// an spt image does, on a stack at the memory's end.
#include "bindings/native/native.h"

#define COMMAND_LINE_BYTES 8192
#define PAGE_BYTES 65536u

// Entered with the stack that Linux makes: argc, argv, environment.
#if defined(__x86_64__)
__asm__(".globl start\n"
        ".type start, @function\n"
        "start: mov %rsp, %rdi\n"
        "xor %ebp, %ebp\n"
        "and $-16, %rsp\n"
        "call native_start\n"
        ".size start, . - start\n");
#else
__asm__(".globl start\n"
        ".type start, %function\n"
        "start: mov x0, sp\n"
        "mov x29, xzr\n"
        "mov x30, xzr\n"
        "b native_start\n"
        ".size start, . - start\n");
#endif

void native_start(char **stack) __attribute__((noreturn, used));

extern const char image_limit[];

static struct spt_boot_info boot;
static char cmdline[COMMAND_LINE_BYTES];

static void join_words(char **words) {
    size_t used = 0;
    for (; *words != NULL; words++) {
        size_t size = strlen(*words);
        if (size + 2 > sizeof cmdline - used)
            fail("the command line is longer than %zu bytes", sizeof cmdline - 1);
        if (used > 0)
            cmdline[used++] = ' ';
        memcpy(cmdline + used, *words, size);
        used += size;
    }
    cmdline[used] = '\0';
}

// Memory from the image's end on, at the addresses that a tender would give, unless Linux has something there.
static void map_memory(uint64_t memory_bytes) {
    enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022 };
    uintptr_t start = ((uintptr_t)image_limit + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
    if (memory_bytes <= start)
        fail("--mem: a program of this size needs more than %lu MiB", start >> 20);
    long mapped = linux_call(CALL_MMAP, (long)start, (long)(memory_bytes - start), PROT_READ_WRITE,
                             MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
    if (is_error(mapped))
        fail("--mem: Linux refuses %lu MiB (error %ld)", memory_bytes >> 20, -mapped);
    boot.image_end = (uintptr_t)mapped;
    boot.memory_bytes = (uintptr_t)mapped + (memory_bytes - start);
}

static void run_on_stack(uintptr_t top) __attribute__((noreturn));

static void run_on_stack(uintptr_t top) {
#if defined(__x86_64__)
    __asm__ volatile("mov %0, %%rsp; xor %%ebp, %%ebp; call *%1" : : "r"(top), "r"(linux_run), "D"(&boot) : "memory");
#else
    register const struct spt_boot_info *x0 __asm__("x0") = &boot;
    __asm__ volatile("mov sp, %0; mov x29, xzr; mov x30, xzr; br %1" : : "r"(top), "r"(linux_run), "r"(x0) : "memory");
#endif
    __builtin_unreachable();
}

__attribute__((no_stack_protector)) void native_start(char **stack) {
    uint64_t entropy = 0;
    linux_call(CALL_GETRANDOM, (long)&entropy, sizeof entropy, 0, 0, 0, 0);
    seed_stack_guard(entropy);

    uint64_t memory_bytes;
    char **words = stack + 1;
    words = read_options(*words == NULL ? words : words + 1, &memory_bytes);
    join_words(words);
    boot.cmdline = cmdline;
    attach_devices(&boot);
    map_memory(memory_bytes);
    run_on_stack(boot.memory_bytes - 16);
}
