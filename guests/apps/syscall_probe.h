// A program that makes one system call of any number with any arguments, to try what a sandbox lets through. Its words:
//   [int80|x32] NUMBER [ARGUMENT ...]
// An argument is a number (-1 too), `buffer` (the address of 64 KiB, zeroed), or `text` (of a line of text).
#include "bindings/linux/call.h"
#include "kit.h"

#define MAX_ARGUMENTS 6

static uint8_t buffer[65536];
static const char text[] = "written by a system call\n";

static long read_argument(struct word word) {
    uint64_t number;
    if (word_is(word, "buffer"))
        return (long)buffer;
    if (word_is(word, "text"))
        return (long)text;
    bool negative = word.size > 1 && word.at[0] == '-';
    struct word digits = {word.at + negative, word.size - negative};
    if (!word_to_u64(digits, &number))
        fail("'%.*s' is not a number", (int)word.size, word.at);
    return negative ? -(long)number : (long)number;
}

#if defined(__x86_64__)
#define X32_BIT 0x40000000

// The 32-bit entry, whose numbers are those of i386.
static long call_int80(long number, const long *a) {
    long result;
    __asm__ volatile("push %%rbp; mov %7, %%rbp; int $0x80; pop %%rbp"
                     : "=a"(result)
                     : "0"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]), "r"(a[5])
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}
#endif

static long call_by(struct word way, long number, const long *a) {
#if defined(__x86_64__)
    if (word_is(way, "int80"))
        return call_int80(number, a);
    if (word_is(way, "x32"))
        number |= X32_BIT;
#else
    (void)way;
#endif
    return linux_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int solo5_app_main(const struct solo5_start_info *info) {
    const char *line = info->cmdline;
    struct word way = {"", 0}, word;
    long arguments[1 + MAX_ARGUMENTS] = {0};
    size_t count = 0;
    while (next_word(&line, &word)) {
        if (word_is(word, "int80") || word_is(word, "x32"))
            way = word;
        else if (count <= MAX_ARGUMENTS)
            arguments[count++] = read_argument(word);
        else
            fail("a system call has at most %d arguments", MAX_ARGUMENTS);
    }
    if (count == 0)
        fail("usage: [int80|x32] NUMBER [ARGUMENT ...]");
    // Before the call, so that a test that sees no result knows that the call was made.
    print("calling %ld\n", arguments[0]);
    print("result %ld\n", call_by(way, arguments[0], arguments + 1));
    return SOLO5_EXIT_SUCCESS;
}
