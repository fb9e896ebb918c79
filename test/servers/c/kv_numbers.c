// Holds kv's doubles to the C library's and the processor's, and its other numbers to their texts.
//
//   kv_numbers SEED COUNT
#include "kv_check.h"
#include "servers/kv/crc32c.h"
#include "servers/kv/real.h"

union number {
    double value;
    uint64_t bits;
};

// ---- numbers -----------------------------------------------------------------------------------------------------

static union number random_number(void) {
    union number number = {.bits = random_next(&state)};
    switch (below(6)) {
    case 0:
        number.value = (double)below(1u << 30) / 1000;
        break;
    case 1:
        number.bits &= ~(0x7feull << 52); // next to zero
        break;
    case 2:
        number.value = (double)(int64_t)(number.bits >> below(64));
        break;
    case 3:
        number.bits = (number.bits & ~(0x7ffull << 52)) | (0x3ffull + below(64)) << 52;
        break;
    default:
        break;
    }
    return number;
}

static void check_sum(union number a, union number b) {
    union number sum = {.value = a.value + b.value}, found = {.bits = real_add(a.bits, b.bits)};
    if (sum.value != sum.value)
        CHECK(real_is_nan(found.bits));
    else
        CHECK(sum.bits == found.bits);
    CHECK((real_order(a.bits) < real_order(b.bits)) == (a.value < b.value));
    CHECK((real_order(a.bits) == real_order(b.bits)) == (a.value == b.value));
}

static void check_reading(const char *text) {
    char *end;
    union number number = {.value = strtod(text, &end)}, found;
    bool expected = *end == '\0' && number.value - number.value == 0;
    bool is_zero = strpbrk(text, "123456789") == NULL;
    if (number.value == 0 && !is_zero)
        expected = false; // too small
    bool read = real_parse((struct bytes){(const uint8_t *)text, strlen(text)}, &found.bits);
    CHECK(read == expected && (!read || found.bits == number.bits));
}

static void check_numbers(unsigned long count) {
    for (unsigned long i = 0; i < count; i++) {
        union number a = random_number(), b = random_number(), back;
        if (a.value != a.value || b.value != b.value)
            continue;
        if (below(3) == 0)
            b.bits = a.bits ^ 1ull << 63 ^ below(16);
        if (b.value == b.value)
            check_sum(a, b);
        char text[64];
        size_t size = real_print((uint8_t *)text, a.bits);
        CHECK(size <= REAL_TEXT_MAX);
        text[size] = '\0';
        back.value = strtod(text, NULL);
        CHECK(back.bits == a.bits);
        snprintf(text, sizeof text, "%.*e", (int)below(25), a.value);
        if (a.value - a.value == 0)
            check_reading(text);
        int64_t whole = (int64_t)(random_next(&state) >> below(64)), read;
        size = print_i64((uint8_t *)text, whole);
        CHECK(parse_i64((struct bytes){(uint8_t *)text, size}, &read) && read == whole);
    }
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1",
                                        "0.1",
                                        ".5",
                                        "5.",
                                        "1e3",
                                        "1E+3",
                                        "1e-3",
                                        "00012",
                                        "9007199254740993",
                                        "9007199254740992.9999",
                                        "1.7976931348623157e308",
                                        "1.7976931348623159e308",
                                        "4.9e-324",
                                        "2e-324",
                                        "1e400",
                                        "1e-400",
                                        "179769313486231580793728971405301e276",
                                        "2.2250738585072011e-308",
                                        "1e",
                                        "1e+",
                                        ".",
                                        "",
                                        "1.2.3",
                                        "1x",
                                        "+1",
                                        "8.5",
                                        "0.30000000000000004",
                                        "123456789012345678901234567890",
                                        "1.00000000000000011102230246251565404236316680908203125",
                                        "1.00000000000000011102230246251565404236316680908203126",
                                        "1.00000000000000011102230246251565404236316680908203124"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (texts[i][0] != '\0')
            check_reading(texts[i]);
    CHECK(crc32c(0, "123456789", 9) == 0xe3069283); // RFC 3720, B.4, has others of this check value's kind
    CHECK(crc32c(crc32c(0, "12345", 5), "6789", 4) == 0xe3069283);
}

static void check_all(unsigned long count) {
    crc32c_init();
    check_numbers(count);
}

int main(int argc, char **argv) {
    return check_with_heap(argc, argv, check_all);
}
