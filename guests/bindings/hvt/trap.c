#include "bindings/hvt/hvt.h"

void trap_end(const char *name, uint64_t code, uint64_t at, uint64_t address, const void *cookie) {
    static bool trapped;
    // A second trap, while the first is being told, has nothing more to say.
    if (!trapped) {
        trapped = true;
        print("trap: %s (code 0x%lx) at 0x%lx, address 0x%lx\n", name, code, at, address);
    }
    hvt_halt(SOLO5_EXIT_ABORT, cookie);
}
