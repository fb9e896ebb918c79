// Writes lines of 64 bytes, numbered: output [BYTES] [BYTES A WRITE]
#include "kit.h"
#include "manifest.h"

MANIFEST();

enum { LINE_BYTES = 64, MAX_WRITE_BYTES = 65536 };

static void fill_line(char *line, uint64_t number) {
    char digits[9];
    format_text(digits, sizeof digits, "%08x", (uint32_t)number);
    memset(line, '.', LINE_BYTES);
    memcpy(line, digits, 8);
    line[LINE_BYTES - 1] = '\n';
}

int solo5_app_main(const struct solo5_start_info *info) {
    static char text[MAX_WRITE_BYTES + 2 * LINE_BYTES];
    uint64_t total = number_argument(info->cmdline, 0, 1 << 20);
    uint64_t write_bytes = number_argument(info->cmdline, 1, LINE_BYTES);
    if (write_bytes == 0 || write_bytes > MAX_WRITE_BYTES)
        fail("output: a write has 1 to %d bytes", MAX_WRITE_BYTES);

    uint64_t lines = 0;
    size_t held = 0;
    while (total > 0) {
        size_t size = total < write_bytes ? total : write_bytes;
        for (; held < size; held += LINE_BYTES)
            fill_line(text + held, lines++);
        solo5_console_write(text, size);
        memmove(text, text + size, held - size);
        held -= size;
        total -= size;
    }
    return SOLO5_EXIT_SUCCESS;
}
