#include "lib/format.h"

struct conversion {
    bool zeros;
    bool left;
    size_t width;
    size_t precision; // SIZE_MAX where none is given
    char length;      // 'q' for 64 bits, 'i' for an int, 'h', 'b'
    char letter;
};

static void put_padding(struct sink *sink, char letter, size_t count) {
    for (; count > 0; count--)
        sink->put(sink, &letter, 1);
}

static void put_padded(struct sink *sink, const struct conversion *c, const char *text, size_t size) {
    size_t padding = c->width > size ? c->width - size : 0;
    if (!c->left)
        put_padding(sink, ' ', padding);
    sink->put(sink, text, size);
    if (c->left)
        put_padding(sink, ' ', padding);
}

static void put_number(struct sink *sink, const struct conversion *c, uint64_t value, bool negative, unsigned base) {
    const char *digits = c->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    char *at = text + sizeof text;
    do {
        *--at = digits[value % base];
        value /= base;
    } while (value != 0);
    size_t size = (size_t)(text + sizeof text - at);
    if (c->zeros && !c->left) {
        if (negative)
            sink->put(sink, "-", 1);
        size_t used = size + negative;
        put_padding(sink, '0', c->width > used ? c->width - used : 0);
        sink->put(sink, at, size);
        return;
    }
    if (negative)
        *--at = '-';
    put_padded(sink, c, at, size + negative);
}

static size_t read_count(const char **format, va_list *args) {
    size_t count = 0;
    if (**format == '*') {
        ++*format;
        int given = va_arg(*args, int);
        return given < 0 ? 0 : (size_t)given;
    }
    for (; **format >= '0' && **format <= '9'; ++*format)
        count = count * 10 + (size_t)(**format - '0');
    return count;
}

static struct conversion read_conversion(const char **format, va_list *args) {
    struct conversion c = {.precision = SIZE_MAX, .length = 'i'};
    for (;; ++*format) {
        if (**format == '0')
            c.zeros = true;
        else if (**format == '-')
            c.left = true;
        else
            break;
    }
    c.width = read_count(format, args);
    if (**format == '.') {
        ++*format;
        c.precision = read_count(format, args);
    }
    for (; **format == 'h' || **format == 'l' || **format == 'z'; ++*format)
        c.length = **format != 'h' ? 'q' : c.length == 'h' ? 'b' : 'h';
    c.letter = **format;
    if (c.letter != '\0')
        ++*format;
    return c;
}

static uint64_t read_unsigned(char length, va_list *args) {
    if (length == 'q')
        return va_arg(*args, uint64_t);
    unsigned value = va_arg(*args, unsigned);
    return length == 'h' ? (uint16_t)value : length == 'b' ? (uint8_t)value : value;
}

static int64_t read_signed(char length, va_list *args) {
    if (length == 'q')
        return va_arg(*args, int64_t);
    int value = va_arg(*args, int);
    return length == 'h' ? (int16_t)value : length == 'b' ? (int8_t)value : value;
}

static void put_string(struct sink *sink, const struct conversion *c, const char *text) {
    size_t size = 0;
    while (size < c->precision && text[size] != '\0')
        size++;
    put_padded(sink, c, text, size);
}

static void put_conversion(struct sink *sink, const struct conversion *c, va_list *args) {
    switch (c->letter) {
    case 'd':
    case 'i': {
        int64_t value = read_signed(c->length, args);
        put_number(sink, c, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0, 10);
        return;
    }
    case 'u':
        put_number(sink, c, read_unsigned(c->length, args), false, 10);
        return;
    case 'x':
    case 'X':
        put_number(sink, c, read_unsigned(c->length, args), false, 16);
        return;
    case 'p':
        sink->put(sink, "0x", 2);
        put_number(sink, c, (uintptr_t)va_arg(*args, void *), false, 16);
        return;
    case 'c': {
        char letter = (char)va_arg(*args, int);
        put_padded(sink, c, &letter, 1);
        return;
    }
    case 's':
        put_string(sink, c, va_arg(*args, const char *));
        return;
    default:
        sink->put(sink, &c->letter, 1);
    }
}

void format_to(struct sink *sink, const char *format, va_list args) {
    va_list rest;
    va_copy(rest, args);
    while (*format != '\0') {
        size_t plain = 0;
        while (format[plain] != '\0' && format[plain] != '%')
            plain++;
        if (plain > 0) {
            sink->put(sink, format, plain);
            format += plain;
            continue;
        }
        format++;
        struct conversion c = read_conversion(&format, &rest);
        if (c.letter == '\0')
            break;
        put_conversion(sink, &c, &rest);
    }
    va_end(rest);
}

struct memory_sink {
    struct sink sink;
    char *to;
    size_t room; // without the NUL's
    size_t length;
};

static void put_to_memory(struct sink *sink, const char *text, size_t size) {
    struct memory_sink *memory = (struct memory_sink *)sink;
    for (size_t i = 0; i < size; i++)
        if (memory->length + i < memory->room)
            memory->to[memory->length + i] = text[i];
    memory->length += size;
}

size_t format_text_args(char *to, size_t size, const char *format, va_list args) {
    struct memory_sink memory = {.sink = {put_to_memory}, .to = to, .room = size > 0 ? size - 1 : 0};
    format_to(&memory.sink, format, args);
    if (size > 0)
        to[memory.length < memory.room ? memory.length : memory.room] = '\0';
    return memory.length;
}

size_t format_text(char *to, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t length = format_text_args(to, size, format, args);
    va_end(args);
    return length;
}
