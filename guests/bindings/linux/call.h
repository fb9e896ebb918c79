// Linux system calls, without a C library; an error is a small negative number.
#ifndef LINUX_CALL_H
#define LINUX_CALL_H

#include <stdint.h>

#if defined(__x86_64__)
enum {
    CALL_READ = 0,
    CALL_WRITE = 1,
    CALL_PREAD64 = 17,
    CALL_PWRITE64 = 18,
    CALL_ARCH_PRCTL = 158,
    CALL_CLOCK_GETTIME = 228,
    CALL_EXIT_GROUP = 231,
    CALL_EPOLL_PWAIT = 281,
    CALL_TIMERFD_SETTIME = 286,
};

static inline long linux_call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#else
enum {
    CALL_EPOLL_PWAIT = 22,
    CALL_READ = 63,
    CALL_WRITE = 64,
    CALL_PREAD64 = 67,
    CALL_PWRITE64 = 68,
    CALL_TIMERFD_SETTIME = 86,
    CALL_EXIT_GROUP = 94,
    CALL_CLOCK_GETTIME = 113,
};

static inline long linux_call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#endif

#endif
