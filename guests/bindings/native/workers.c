// Workers as threads of Linux, without a C library.
#include "bindings/native/native.h"
#include "workers.h"

enum { WORKERS_MAX = 64, STACK_BYTES = 65536 };
// sched.h: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM.
enum { CLONE_FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 };

#if defined(__x86_64__)
enum { CALL_SCHED_YIELD = 24, CALL_CLONE = 56, CALL_EXIT = 60, CALL_SCHED_GETAFFINITY = 204 };
#else
enum { CALL_EXIT = 93, CALL_SCHED_GETAFFINITY = 123, CALL_SCHED_YIELD = 124, CALL_CLONE = 220 };
#endif

struct worker {
    void (*work)(void *context, unsigned index);
    void *context;
    unsigned index;
};

static struct {
    unsigned count;
    unsigned come;
    unsigned turn; // how often all have met
} meeting;

unsigned workers_max(void) {
    uint64_t processors[16] = {0};
    long size = linux_call(CALL_SCHED_GETAFFINITY, 0, sizeof processors, (long)processors, 0, 0, 0);
    unsigned count = 0;
    for (unsigned i = 0; size > 0 && i < COUNT_OF(processors); i++)
        for (uint64_t bits = processors[i]; bits != 0; bits &= bits - 1)
            count++;
    if (count == 0)
        return 1;
    return count < WORKERS_MAX ? count : WORKERS_MAX;
}

void workers_meet(void) {
    unsigned turn = __atomic_load_n(&meeting.turn, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&meeting.come, 1, __ATOMIC_ACQ_REL) == meeting.count) {
        meeting.come = 0;
        __atomic_store_n(&meeting.turn, turn + 1, __ATOMIC_RELEASE);
        return;
    }
    while (__atomic_load_n(&meeting.turn, __ATOMIC_ACQUIRE) == turn)
        linux_call(CALL_SCHED_YIELD, 0, 0, 0, 0, 0, 0);
}

static void worker_start(const struct worker *worker) __attribute__((noreturn, used));

static void worker_start(const struct worker *worker) {
    worker->work(worker->context, worker->index);
    workers_meet();
    for (;;)
        linux_call(CALL_EXIT, 0, 0, 0, 0, 0, 0);
}

// The new thread begins in worker_start() with what its stack's top points at, and never returns here.
static long start_thread(const struct worker **top) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("xor %%edx, %%edx\n"
                     "xor %%r10d, %%r10d\n"
                     "xor %%r8d, %%r8d\n"
                     "syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 1f\n"
                     "xor %%ebp, %%ebp\n"
                     "mov (%%rsp), %%rdi\n"
                     "call worker_start\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)CALL_CLONE), "D"((long)CLONE_FLAGS), "S"(top)
                     : "rcx", "rdx", "r8", "r10", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = CALL_CLONE;
    register long x0 __asm__("x0") = CLONE_FLAGS;
    register const struct worker **x1 __asm__("x1") = top;
    register long x2 __asm__("x2") = 0;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    __asm__ volatile("svc 0\n"
                     "cbnz x0, 1f\n"
                     "mov x29, xzr\n"
                     "ldr x0, [sp]\n"
                     "bl worker_start\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
                     : "x30", "memory");
    return x0;
#endif
}

void workers_run(unsigned count, void (*work)(void *context, unsigned index), void *context) {
    enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22 };
    static struct worker workers[WORKERS_MAX];
    if (count == 0 || count > WORKERS_MAX)
        fail("1 to %u workers can run", WORKERS_MAX);
    meeting.count = count;
    for (unsigned index = 1; index < count; index++) {
        workers[index] = (struct worker){work, context, index};
        long stack = linux_call(CALL_MMAP, 0, STACK_BYTES, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
        if (is_error(stack))
            fail("Linux refuses a stack (error %ld)", -stack);
        const struct worker **top = (const struct worker **)(stack + STACK_BYTES - 16);
        *top = &workers[index];
        long thread = start_thread(top);
        if (is_error(thread))
            fail("Linux refuses a thread (error %ld)", -thread);
    }
    work(context, 0);
    workers_meet();
}
