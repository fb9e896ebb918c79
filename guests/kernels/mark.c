// What small programs do, in turn: a list that is searched, sorted and reversed, matrices of short integers, a state
// machine that reads numbers, and a CRC over what comes out. The kinds of work are those of EEMBC's CoreMark.
#include "kernels/kernels.h"

// List ---------------------------------------------------------------------------------------------------------------

#define ITEMS 128u

struct item {
    struct item *next;
    int16_t key;
    uint16_t payload;
};

static struct item items[ITEMS];
static struct item *list;

static struct item *find_payload(struct item *from, uint16_t payload) {
    while (from != NULL && from->payload != payload)
        from = from->next;
    return from;
}

static struct item *reversed(struct item *from) {
    struct item *to = NULL;
    while (from != NULL) {
        struct item *next = from->next;
        from->next = to;
        to = from;
        from = next;
    }
    return to;
}

typedef int order(const struct item *a, const struct item *b);

static int by_key(const struct item *a, const struct item *b) {
    return a->key - b->key;
}

static int by_payload(const struct item *a, const struct item *b) {
    return a->payload - b->payload;
}

static struct item *merged(struct item *a, struct item *b, order *compare) {
    struct item *first = NULL, **end = &first;
    while (a != NULL && b != NULL) {
        struct item *smaller;
        if (compare(a, b) <= 0) {
            smaller = a;
            a = a->next;
        } else {
            smaller = b;
            b = b->next;
        }
        *end = smaller;
        end = &smaller->next;
    }
    *end = a != NULL ? a : b;
    return first;
}

// Merge sort from the bottom up: runs[i] holds 2^i items, or none.
static struct item *sorted(struct item *from, order *compare) {
    struct item *runs[16] = {NULL};
    while (from != NULL) {
        struct item *run = from;
        from = from->next;
        run->next = NULL;
        size_t i = 0;
        for (; runs[i] != NULL; i++) {
            run = merged(runs[i], run, compare);
            runs[i] = NULL;
        }
        runs[i] = run;
    }
    struct item *all = NULL;
    for (size_t i = 0; i < 16; i++)
        all = merged(runs[i], all, compare);
    return all;
}

static uint32_t process_list(uint16_t seed) {
    uint32_t found = 0;
    for (uint16_t i = 0; i < 32; i++) {
        const struct item *item = find_payload(list, (uint16_t)((seed + i * 7u) % (ITEMS + ITEMS / 4)));
        found += item == NULL ? 1u : (uint32_t)(uint16_t)item->key << 1;
        list = reversed(list);
    }
    list = sorted(list, by_key);
    uint32_t sum = 0, place = 0;
    for (const struct item *item = list; item != NULL; item = item->next)
        sum += ++place * item->payload;
    list = sorted(list, by_payload);
    return sum ^ found;
}

// Matrices -----------------------------------------------------------------------------------------------------------

#define SIDE 12u

static int16_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];

static uint32_t process_matrices(int16_t constant) {
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++)
            left[i][j] = (int16_t)(left[i][j] + constant);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            int32_t sum = 0;
            for (size_t k = 0; k < SIDE; k++)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum;
        }
    uint32_t result = 0;
    int32_t last = 0;
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            int32_t value = product[i][j];
            // Bits 2 to 5 and 5 to 11 multiplied, as devices' registers are taken apart.
            result += (uint32_t)((value >> 2 & 15) * (value >> 5 & 127));
            result += value > last ? 10u : 1u;
            last = value;
        }
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++)
            left[i][j] = (int16_t)(left[i][j] - constant);
    return result;
}

// State machine ------------------------------------------------------------------------------------------------------

#define TEXT_BYTES 512u

enum state { START, SIGN, WHOLE, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, POWER, INVALID, STATES };

static char text[TEXT_BYTES];

static enum state after(enum state state, char c) {
    int is_digit = c >= '0' && c <= '9';
    int is_sign = c == '+' || c == '-';
    switch (state) {
    case START:
        return is_digit ? WHOLE : is_sign ? SIGN : c == '.' ? POINT : INVALID;
    case SIGN:
        return is_digit ? WHOLE : c == '.' ? POINT : INVALID;
    case WHOLE:
        return is_digit ? WHOLE : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case POINT:
        return is_digit ? FRACTION : INVALID;
    case FRACTION:
        return is_digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT:
        return is_digit ? POWER : is_sign ? EXPONENT_SIGN : INVALID;
    case EXPONENT_SIGN:
    case POWER:
        return is_digit ? POWER : INVALID;
    default:
        return INVALID;
    }
}

// Counts in which states the words of the text end.
static uint32_t process_text(size_t changed) {
    uint32_t ends[STATES] = {0};
    enum state state = START;
    char kept = text[changed];
    text[changed] = 'x';
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        if (text[i] == ',') {
            ends[state]++;
            state = START;
        } else {
            state = after(state, text[i]);
        }
    }
    text[changed] = kept;
    uint32_t result = 0;
    for (size_t i = 0; i < STATES; i++)
        result = result * 31 + ends[i];
    return result;
}

// All ----------------------------------------------------------------------------------------------------------------

static uint16_t crc_of(uint32_t value, uint16_t crc) {
    for (int bit = 0; bit < 32; bit++) {
        uint32_t carry = (crc ^ value) & 1;
        value >>= 1;
        crc = (uint16_t)(crc >> 1 ^ (carry != 0 ? 0xa001 : 0));
    }
    return crc;
}

static void prepare(void) {
    static const char *const words[] = {"5012", "-874", "+122", "35.54400", ".1234500", "-110.700",
                                        "7.4e+5", "-5.e3", "1e", "T0.3e-1F", "+.e-5", "98e06"};
    uint64_t random = 1;
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct item){i + 1 < ITEMS ? &items[i + 1] : NULL, (int16_t)random_next(&random), (uint16_t)i};
    list = items;
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            left[i][j] = (int16_t)(random_next(&random) % 2048);
            right[i][j] = (int16_t)(random_next(&random) % 2048);
        }
    const char *word = "";
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        text[i] = *word != '\0' ? *word++ : ',';
        if (text[i] == ',')
            word = words[random_next(&random) % (sizeof words / sizeof words[0])];
    }
}

static uint64_t run(uint64_t rounds) {
    uint16_t crc = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        crc = crc_of(process_list((uint16_t)round), crc);
        crc = crc_of(process_matrices((int16_t)(round % 64)), crc);
        crc = crc_of(process_text(round % TEXT_BYTES), crc);
    }
    return crc;
}

const struct kernel mark = {"mark", prepare, run};
