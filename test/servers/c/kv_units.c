// Holds kv's parts to plain models of them, with random operations:
//   - the heap: objects keep what was written into them, and all of it comes back;
//   - the hash table: names found and not found, and a walk through it while it grows and shrinks misses none;
//   - lists against an array, sorted sets against a sorted array, deadlines against a minimum;
//   - doubles against the C library's and the processor's.
//
//   kv_units SEED COUNT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv_fake.h"
#include "random.h"
#include "servers/kv/crc32c.h"
#include "servers/kv/deadlines.h"
#include "servers/kv/hash.h"
#include "servers/kv/heap.h"
#include "servers/kv/real.h"
#include "servers/kv/text.h"
#include "servers/kv/value.h"

#define HEAP_BYTES (64u << 20)

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "kv_units: not so: %s (line %d)\n", #condition, __LINE__); \
            abort(); \
        } \
    } while (0)

static uint64_t state;

static size_t below(size_t limit) {
    return random_below(&state, limit);
}

// ---- the heap ----------------------------------------------------------------------------------------------------

static size_t random_size(void) {
    switch (below(8)) {
    case 0:
        return below(100000);
    case 1:
        return below(2000000);
    case 2:
        return below(9000);
    default:
        return below(300);
    }
}

static void check_heap(unsigned long count) {
    enum { OBJECTS = 500 };
    static struct {
        uint8_t *at;
        size_t size;
        uint8_t fill;
    } objects[OBJECTS];
    size_t used_before = heap_used();
    unsigned long refused = 0;
    for (unsigned long i = 0; i < count; i++) {
        size_t at = below(OBJECTS), size = random_size();
        uint8_t *object = objects[at].at;
        for (size_t b = 0; object != NULL && b < objects[at].size; b += 1 + b / 8)
            CHECK(object[b] == objects[at].fill);
        uint8_t *taken;
        if (object == NULL) {
            taken = heap_take(size);
        } else if (below(3) == 0) {
            taken = heap_resize(object, size);
            CHECK(taken != NULL || size > heap_room(object));
            size_t kept = size < objects[at].size ? size : objects[at].size;
            for (size_t b = 0; taken != NULL && b < kept; b += 1 + b / 8)
                CHECK(taken[b] == objects[at].fill);
        } else {
            heap_give(object);
            objects[at].at = NULL;
            continue;
        }
        refused += taken == NULL;
        if (taken == NULL)
            continue;
        CHECK(heap_room(taken) >= size && (uintptr_t)taken % HEAP_UNIT == 0);
        CHECK(heap_object(heap_reference(taken)) == taken && heap_reference(taken) != 0);
        objects[at].at = taken;
        objects[at].size = size;
        objects[at].fill = (uint8_t)random_next(&state);
        memset(taken, objects[at].fill, size);
    }
    for (size_t at = 0; at < OBJECTS; at++) {
        if (objects[at].at != NULL)
            heap_give(objects[at].at);
        objects[at].at = NULL;
    }
    CHECK(heap_used() == used_before);
    CHECK(count < 10000 || refused > 0);
    uint8_t *most = heap_take(heap_bytes() - heap_bytes() / 8);
    CHECK(most != NULL); // what was given back is in one piece again, but for a slab of each class
    heap_give(most);
}

// ---- the hash table ----------------------------------------------------------------------------------------------

enum { NAMES = 60000 };

static struct bytes name_of(size_t number, uint8_t text[64]) {
    memset(text, 'x', 64);
    size_t size = print_u64(text, number);
    return (struct bytes){text, number % 3 == 0 ? size : size + 1 + number % 37};
}

static uint8_t seen[NAMES];

static void mark_seen(void *member, void *context) {
    (void)context;
    struct bytes name = member_name(member);
    size_t number = 0;
    for (size_t i = 0; i < name.size && name.at[i] != 'x'; i++)
        number = number * 10 + (name.at[i] - '0');
    CHECK(number < NAMES && seen[number] < 255);
    seen[number]++;
}

static void put(struct dict *dict, size_t number, bool wanted) {
    uint8_t text[64];
    struct dict_place place;
    struct bytes name = name_of(number, text);
    struct member *member = dict_find(dict, name, &place);
    if (member != NULL && !wanted) {
        dict_remove(dict, &place);
        heap_give(member);
    } else if (member == NULL && wanted) {
        member = heap_take(sizeof *member + name.size);
        CHECK(member != NULL);
        member->common.name_size = (uint32_t)name.size;
        memcpy(member->name, name.at, name.size);
        CHECK(dict_insert(dict, place.hash, member));
    }
}

static void check_dict(unsigned long count) {
    static bool there[NAMES];
    struct dict dict;
    dict_init(&dict, offsetof(struct member, name));
    size_t used_before = heap_used(), entries = 0;
    bool growing = true;
    memset(there, 0, sizeof there);
    for (unsigned long i = 0; i < count; i++) {
        size_t number = below(NAMES);
        bool wanted = below(10) < (growing ? 9u : 1u);
        entries += wanted - there[number];
        there[number] = wanted;
        put(&dict, number, wanted);
        CHECK(dict.entries == entries);
        if (entries > NAMES * 3 / 4 || entries < 10)
            growing = entries < 10;
        uint8_t text[64];
        struct dict_place place;
        size_t other = below(NAMES);
        CHECK((dict_find(&dict, name_of(other, text), &place) != NULL) == there[other]);
        CHECK((dict_random(&dict) == NULL) == (entries == 0));
    }
    // A walk meets all that stay, while others come and go.
    static bool stays[NAMES];
    memcpy(stays, there, sizeof stays);
    memset(seen, 0, sizeof seen);
    uint64_t cursor = 0;
    bool shrink = below(2) == 0;
    do {
        cursor = dict_scan(&dict, cursor, mark_seen, NULL);
        for (int i = 0; i < 12; i++) {
            size_t number = below(NAMES);
            there[number] = !shrink;
            stays[number] &= !shrink;
            put(&dict, number, !shrink);
        }
    } while (cursor != 0);
    for (size_t number = 0; number < NAMES; number++)
        CHECK(!stays[number] || seen[number] > 0);
    memset(seen, 0, sizeof seen);
    dict_each(&dict, mark_seen, NULL);
    for (size_t number = 0; number < NAMES; number++)
        CHECK(seen[number] == there[number]);
    for (size_t number = 0; number < NAMES; number++)
        put(&dict, number, false);
    while (!dict_free_part(&dict, 3, mark_seen, NULL))
        continue;
    CHECK(heap_used() == used_before);
}

// ---- lists -------------------------------------------------------------------------------------------------------

enum { ELEMENTS = 3000 };

static struct {
    uint32_t size;
    uint8_t fill;
} model[ELEMENTS + 1];
static size_t elements;

static struct bytes random_element(uint8_t *text) {
    size_t size = below(40) == 0 ? below(6000) : below(5) == 0 ? below(400) : below(12);
    memset(text, (int)('a' + below(26)), size);
    return (struct bytes){text, size};
}

static void model_insert(size_t at, struct bytes element) {
    memmove(&model[at + 1], &model[at], (elements - at) * sizeof model[0]);
    model[at].size = (uint32_t)element.size;
    model[at].fill = element.size == 0 ? 0 : element.at[0];
    elements++;
}

static void model_remove(size_t at) {
    elements--;
    memmove(&model[at], &model[at + 1], (elements - at) * sizeof model[0]);
}

static void check_element(struct bytes wire, size_t at) {
    struct bytes element = list_element(wire);
    CHECK(element.size == model[at].size && (element.size == 0 || element.at[0] == model[at].fill));
    CHECK(element.size == 0 || element.at[element.size - 1] == model[at].fill);
    CHECK(wire.at[0] == '$' && wire.at[wire.size - 1] == '\n' && wire.at[wire.size - 2] == '\r');
}

static void check_whole_list(const struct list *list) {
    CHECK(list->elements == elements);
    size_t at = 0;
    for (struct list_place place = {list->first, 0}; place.chunk != NULL; place = list_next(place))
        check_element(list_wire(place), at++);
    CHECK(at == elements);
    if (elements == 0)
        return;
    for (struct list_place place = list_at(list, elements - 1); place.chunk != NULL; place = list_before(place))
        check_element(list_wire(place), --at);
    CHECK(at == 0);
    size_t from = below(elements), left = 1 + below(elements - from), bytes = 0, got = 0;
    for (size_t i = from; i < from + left; i++)
        bytes += list_wire(list_at(list, i)).size;
    struct list_place place = list_at(list, from);
    while (left > 0) {
        uint64_t count = left;
        got += list_run(&place, &count).size;
        CHECK(count >= 1 && count <= left);
        left -= count;
    }
    CHECK(got == bytes);
}

static void edit_list(struct list *list, uint8_t *text) {
    size_t at = below(elements);
    struct bytes element = random_element(text);
    switch (below(3)) {
    case 0:
        CHECK(list_replace(list, list_at(list, at), element));
        model_remove(at);
        model_insert(at, element);
        return;
    case 1:
        CHECK(list_insert_before(list, list_at(list, at), element));
        model_insert(at, element);
        return;
    default: {
        struct list_place next = list_remove(list, list_at(list, at));
        model_remove(at);
        CHECK((next.chunk == NULL) == (at == elements));
        if (next.chunk != NULL)
            check_element(list_wire(next), at);
    }
    }
}

static void check_list(unsigned long count) {
    static uint8_t text[8192];
    size_t used_before = heap_used();
    struct list *list = list_new();
    elements = 0;
    bool growing = true;
    size_t limit = 1 + below(ELEMENTS - 1);
    for (unsigned long i = 0; i < count; i++) {
        if (elements == 0 || elements >= limit)
            growing = elements == 0;
        enum list_end end = below(2) == 0 ? LIST_FIRST : LIST_LAST;
        if (elements > 0 && below(10) == 0) {
            if (elements < limit)
                edit_list(list, text);
        } else if (elements == 0 || (elements < limit && below(10) < (growing ? 7u : 3u))) {
            struct bytes element = random_element(text);
            CHECK(list_push(list, end, element));
            model_insert(end == LIST_FIRST ? 0 : elements, element);
        } else {
            check_element(list_peek(list, end), end == LIST_FIRST ? 0 : elements - 1);
            list_drop(list, end);
            model_remove(end == LIST_FIRST ? 0 : elements - 1);
        }
        if (elements > 0) {
            size_t at = below(elements);
            check_element(list_wire(list_at(list, at)), at);
        }
        if (below(500) == 0)
            check_whole_list(list);
    }
    check_whole_list(list);
    while (!list_free_part(list, 2))
        continue;
    CHECK(heap_used() == used_before);
}

// ---- sorted sets -------------------------------------------------------------------------------------------------

static union number {
    double value;
    uint64_t bits;
} scores[NAMES];

static int by_score(const void *a, const void *b) {
    size_t left = *(const uint16_t *)a, right = *(const uint16_t *)b;
    if (scores[left].value != scores[right].value)
        return scores[left].value < scores[right].value ? -1 : 1;
    uint8_t left_text[64], right_text[64];
    return bytes_compare(name_of(left, left_text), name_of(right, right_text));
}

static void check_order(const struct zset *zset, const bool *there, size_t members) {
    static uint16_t sorted[NAMES];
    uint8_t text[64];
    size_t count = 0;
    for (size_t number = 0; number < members; number++)
        if (there[number])
            sorted[count++] = (uint16_t)number;
    qsort(sorted, count, sizeof sorted[0], by_score);
    CHECK(zset_members(zset) == count);
    const struct zset_node *node = zset_at(zset, 0), *before = NULL;
    for (size_t rank = 0; rank < count; rank++) {
        CHECK(node != NULL && bytes_equal(zset_name(node), name_of(sorted[rank], text)));
        CHECK(zset_rank(zset, node) == rank && zset_at(zset, rank) == node && zset_before(node) == before);
        before = node;
        node = zset_next(node);
    }
    CHECK(node == NULL && zset_at(zset, count) == NULL);
    for (int i = 0; i < 20 && count > 0; i++) {
        double limit = scores[sorted[below(count)]].value;
        uint64_t bits, less = 0, equal = 0;
        memcpy(&bits, &limit, sizeof bits);
        for (size_t rank = 0; rank < count; rank++) {
            less += scores[sorted[rank]].value < limit;
            equal += scores[sorted[rank]].value == limit;
        }
        CHECK(zset_count_below(zset, bits, false) == less && zset_count_below(zset, bits, true) == less + equal);
    }
}

static void free_node(void *node, void *context) {
    (void)context;
    heap_give(node);
}

static void check_zset(unsigned long count) {
    static bool there[NAMES];
    size_t members = 1 + below(2000), used_before = heap_used();
    struct zset *zset = zset_new();
    memset(there, 0, sizeof there);
    for (unsigned long i = 0; i < count; i++) {
        size_t number = below(members);
        uint8_t text[64];
        struct dict_place place;
        struct bytes name = name_of(number, text);
        struct zset_node *node = zset_find(zset, name, &place);
        CHECK((node != NULL) == there[number]);
        union number score = {.value = (double)below(50) - 25};
        if (below(10) == 0)
            score.value = below(2) == 0 ? -0.0 : 1 / 0.0;
        if (node != NULL && below(3) == 0) {
            zset_remove(zset, node);
            there[number] = false;
        } else {
            scores[number] = score;
            there[number] = true;
            if (node == NULL)
                CHECK(zset_add(zset, &place, name, score.bits));
            else
                zset_move(zset, node, score.bits);
        }
        if (below(2000) == 0)
            check_order(zset, there, members);
    }
    check_order(zset, there, members);
    while (!dict_free_part(&zset->members, 2, free_node, NULL))
        continue;
    heap_give(zset);
    CHECK(heap_used() == used_before);
}

// ---- deadlines ---------------------------------------------------------------------------------------------------

static void check_deadlines(unsigned long count) {
    enum { KEYS = 4000 };
    static struct entry *entries[KEYS];
    static int64_t times[KEYS];
    uint8_t text[64];
    size_t used_before = heap_used();
    for (size_t i = 0; i < KEYS; i++) {
        entries[i] = entry_new(name_of(i, text), TYPE_STRING, 0);
        times[i] = NO_DEADLINE;
    }
    for (unsigned long i = 0; i < count; i++) {
        size_t at = below(KEYS);
        if (below(3) == 0) {
            deadline_clear(entries[at]);
            times[at] = NO_DEADLINE;
        } else {
            times[at] = (int64_t)below(100000) - 50000;
            CHECK(deadline_reserve());
            deadline_set(entries[at], times[at]);
        }
        CHECK(deadline_of(entries[at]) == times[at]);
        if (below(500) != 0)
            continue;
        int64_t least = NO_DEADLINE;
        uint32_t set = 0;
        for (size_t k = 0; k < KEYS; k++) {
            least = times[k] < least ? times[k] : least;
            set += times[k] != NO_DEADLINE;
            CHECK(deadline_of(entries[k]) == times[k]);
        }
        CHECK(deadline_count() == set && (set == 0 || deadline_of(deadline_first()) == least));
    }
    for (size_t i = 0; i < KEYS; i++) {
        deadline_clear(entries[i]);
        heap_give(entries[i]);
    }
    CHECK(deadline_first() == NULL);
    deadlines_clear();
    CHECK(heap_used() < used_before + 1024); // the table of pieces stays
}

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
    static const char *const texts[] = {
        "0", "-0", "1", "0.1", ".5", "5.", "1e3", "1E+3", "1e-3", "00012", "9007199254740993", "9007199254740992.9999",
        "1.7976931348623157e308", "1.7976931348623159e308", "4.9e-324", "2e-324", "1e400", "1e-400",
        "179769313486231580793728971405301e276", "2.2250738585072011e-308", "1e", "1e+", ".", "", "1.2.3", "1x", "+1",
        "8.5", "0.30000000000000004", "123456789012345678901234567890",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203126",
        "1.00000000000000011102230246251565404236316680908203124"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (texts[i][0] != '\0')
            check_reading(texts[i]);
    CHECK(crc32c(0, "123456789", 9) == 0xe3069283); // RFC 3720, B.4, has others of this check value's kind
    CHECK(crc32c(crc32c(0, "12345", 5), "6789", 4) == 0xe3069283);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    state = strtoull(argv[1], NULL, 0);
    kv_fake.entropy = state;
    unsigned long count = strtoul(argv[2], NULL, 0);
    void *memory = malloc(HEAP_BYTES);
    fake_reset(4096);
    CHECK(heap_init(memory, HEAP_BYTES));
    hash_seed();
    crc32c_init();
    check_heap(count);
    check_dict(count);
    for (int i = 0; i < 5; i++)
        check_list(count / 5);
    for (int i = 0; i < 3; i++)
        check_zset(count / 10);
    check_deadlines(count);
    check_numbers(count);
    printf("%lu of each\n", count);
    free(memory);
    return 0;
}
