// Holds kv's lists to an array, and its sorted sets to a sorted array, with random operations.
//
//   kv_values SEED COUNT
#include "kv_check.h"

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

static void check_all(unsigned long count) {
    for (int i = 0; i < 5; i++)
        check_list(count / 5);
    for (int i = 0; i < 3; i++)
        check_zset(count / 10);
}

int main(int argc, char **argv) {
    return check_with_heap(argc, argv, check_all);
}
