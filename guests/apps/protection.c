// Tries what a guest must not be able to do, one thing a run: protection NAME. Each prints its name and should end
// there, by a signal (spt, native) or a trap (hvt); a line with "survived" means that the protection is missing.
// Without a name it lists them. Only hvt keeps a guest from writing its own boot information.
#include "kit.h"
#include "manifest.h"

MANIFEST();

#if defined(__x86_64__)
static const uint8_t return_code[] = {0xc3};
#else
static const uint8_t return_code[] = {0xc0, 0x03, 0x5f, 0xd6};
#endif

static const struct solo5_start_info *start_info;
static uint8_t data_room[64] __attribute__((aligned(64))) = {1};
static const uint64_t constant = 42;

static void read_at(uintptr_t address) {
    (void)*(volatile uint8_t *)address;
}

static void write_at(uintptr_t address) {
    *(volatile uint8_t *)address = 0;
}

// Calls a function of one instruction, which returns.
static void execute_at(uint8_t *room) {
    memcpy(room, return_code, sizeof return_code);
#if defined(__aarch64__)
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" : : "r"(room) : "memory");
#endif
    void (*function)(void) = (void (*)(void))(uintptr_t)room;
    __asm__ volatile("" : "+r"(function) : : "memory");
    function();
}

static void read_null(void) {
    read_at(0);
}

static void write_null(void) {
    write_at(0);
}

static void write_text(void) {
    write_at((uintptr_t)write_text);
}

static void write_rodata(void) {
    write_at((uintptr_t)&constant);
}

static void execute_data(void) {
    execute_at(data_room);
}

static void execute_heap(void) {
    execute_at((uint8_t *)start_info->heap_start);
}

static void execute_stack(void) {
    uint8_t room[64] __attribute__((aligned(64)));
    execute_at(room);
}

static void execute_rodata(void) {
    void (*function)(void) = (void (*)(void))(uintptr_t)return_code;
    __asm__ volatile("" : "+r"(function) : : "memory");
    function();
}

static void jump_unmapped(void) {
    void (*function)(void) = (void (*)(void))(uintptr_t)(start_info->heap_start + start_info->heap_size + (1u << 30));
    __asm__ volatile("" : "+r"(function) : : "memory");
    function();
}

static void read_past_memory(void) {
    read_at(start_info->heap_start + start_info->heap_size);
}

static void write_past_memory(void) {
    write_at(start_info->heap_start + start_info->heap_size);
}

static void write_boot_info(void) {
    write_at((uintptr_t)start_info->cmdline);
}

// The size is hidden from the compiler, which would know better.
__attribute__((noinline)) static void smash_stack(void) {
    uint8_t room[16];
    size_t size = 64;
    uint8_t *at = room;
    __asm__ volatile("" : "+r"(size), "+r"(at));
    for (size_t i = 0; i < size; i++)
        at[i] = 0xa5;
    __asm__ volatile("" : : "r"(at) : "memory");
}

static void run_illegal(void) {
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#else
    __asm__ volatile("udf #0");
#endif
}

static const struct {
    const char *name;
    void (*run)(void);
} probes[] = {
    {"null-read", read_null},
    {"null-write", write_null},
    {"text-write", write_text},
    {"rodata-write", write_rodata},
    {"rodata-execute", execute_rodata},
    {"data-execute", execute_data},
    {"heap-execute", execute_heap},
    {"stack-execute", execute_stack},
    {"unmapped-jump", jump_unmapped},
    {"memory-end-read", read_past_memory},
    {"memory-end-write", write_past_memory},
    {"boot-info-write", write_boot_info},
    {"stack-smash", smash_stack},
    {"illegal-instruction", run_illegal},
};

int solo5_app_main(const struct solo5_start_info *info) {
    start_info = info;
    struct word word;
    if (!find_argument(info->cmdline, 0, &word)) {
        for (size_t i = 0; i < COUNT_OF(probes); i++)
            print("%s\n", probes[i].name);
        return SOLO5_EXIT_SUCCESS;
    }
    for (size_t i = 0; i < COUNT_OF(probes); i++) {
        if (!word_is(word, probes[i].name))
            continue;
        print("protection: %s\n", probes[i].name);
        probes[i].run();
        print("protection: %s survived\n", probes[i].name);
        return SOLO5_EXIT_FAILURE;
    }
    fail("protection: '%.*s' is not known", (int)word.size, word.at);
}
