#ifndef HVT_H
#define HVT_H

#include "abi/hvt.h"
#include "bindings/bindings.h"

// The tender reads and writes `request` meanwhile: a 32-bit store of its address, to a port or to memory that is not
// there.
static inline void hypercall(enum hypercall number, void *request) {
    uint32_t address = (uint32_t)(uintptr_t)request;
#if defined(__x86_64__)
    enum { PORT_BASE = 0x500 };
    __asm__ volatile("outl %0, %1" : : "a"(address), "d"((uint16_t)(PORT_BASE + number)) : "memory");
#else
    const uintptr_t base = 0x100000000;
    __asm__ volatile("str %w0, [%1]" : : "r"(address), "r"(base + number * 8) : "memory");
#endif
}

// Wakes the tender's thread that serves the network ring; costs no exit.
static inline void doorbell(void) {
#if defined(__x86_64__)
    enum { PORT = 0x600 };
    __asm__ volatile("outl %0, %1" : : "a"(0), "d"((uint16_t)PORT) : "memory");
#else
    const uintptr_t address = 0x100000100;
    __asm__ volatile("str wzr, [%0]" : : "r"(address) : "memory");
#endif
}

// The network ring, where the tender offers one; else frames take hypercalls.
extern struct net_ring *net_ring;

void clock_use(uint64_t counter_hz);

// From here on a processor exception ends the program with a line that names it.
void trap_install(void);

// Prints the line, and ends with SOLO5_EXIT_ABORT.
void trap_end(const char *name, uint64_t code, uint64_t at, uint64_t address, const void *cookie)
    __attribute__((noreturn));

void hvt_halt(int status, const void *cookie) __attribute__((noreturn));

#endif
