#include "lib/format.h"

struct console_sink {
    struct sink sink;
    size_t used;
    char text[512];
};

static void flush(struct console_sink *console) {
    if (console->used > 0)
        solo5_console_write(console->text, console->used);
    console->used = 0;
}

static void put_to_console(struct sink *sink, const char *text, size_t size) {
    struct console_sink *console = (struct console_sink *)sink;
    while (size > 0) {
        size_t room = sizeof console->text - console->used;
        size_t part = size < room ? size : room;
        memcpy(console->text + console->used, text, part);
        console->used += part;
        text += part;
        size -= part;
        if (console->used == sizeof console->text)
            flush(console);
    }
}

static void print_args(const char *format, va_list args) {
    struct console_sink console;
    console.sink.put = put_to_console;
    console.used = 0;
    format_to(&console.sink, format, args);
    flush(&console);
}

void print(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_args(format, args);
    va_end(args);
}

void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_args(format, args);
    va_end(args);
    print("\n");
    solo5_exit(SOLO5_EXIT_FAILURE);
}
