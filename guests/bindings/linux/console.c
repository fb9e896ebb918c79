#include "bindings/linux/linux.h"

void solo5_console_write(const char *text, size_t size) {
    enum { STANDARD_OUTPUT = 1 };
    while (size > 0) {
        long written = linux_call(CALL_WRITE, STANDARD_OUTPUT, (long)text, (long)size, 0, 0, 0);
        if (written <= 0)
            return;
        text += written;
        size -= (size_t)written;
    }
}
