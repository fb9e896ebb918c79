#include "net/sequence.h"

// The ranges [first, last) that touch or overlap begin ... end, which may be none.
static void find_touching(const struct sequence_set *set, sequence begin, sequence end, uint32_t *first,
                          uint32_t *last) {
    uint32_t i = 0;
    while (i < set->count && before(set->ranges[i].end, begin))
        i++;
    *first = i;
    while (i < set->count && at_or_before(set->ranges[i].begin, end))
        i++;
    *last = i;
}

bool sequence_set_has_room(const struct sequence_set *set, sequence begin, sequence end) {
    uint32_t first, last;
    find_touching(set, begin, end, &first, &last);
    return first < last || set->count < SEQUENCE_RANGES_MAX;
}

bool sequence_set_add(struct sequence_set *set, sequence begin, sequence end) {
    uint32_t first, last;
    find_touching(set, begin, end, &first, &last);
    struct sequence_range *ranges = set->ranges;
    if (first == last) {
        if (set->count >= SEQUENCE_RANGES_MAX)
            return false;
        memmove(&ranges[first + 1], &ranges[first], (set->count - first) * sizeof ranges[0]);
        ranges[first] = (struct sequence_range){begin, end};
        set->count++;
        return true;
    }
    if (before(begin, ranges[first].begin))
        ranges[first].begin = begin;
    ranges[first].end = later_of(ranges[last - 1].end, end);
    memmove(&ranges[first + 1], &ranges[last], (set->count - last) * sizeof ranges[0]);
    set->count -= last - first - 1;
    return true;
}

void sequence_set_trim(struct sequence_set *set, sequence begin) {
    uint32_t gone = 0;
    while (gone < set->count && at_or_before(set->ranges[gone].end, begin))
        gone++;
    if (gone > 0) {
        set->count -= gone;
        memmove(&set->ranges[0], &set->ranges[gone], set->count * sizeof set->ranges[0]);
    }
    if (set->count > 0 && before(set->ranges[0].begin, begin))
        set->ranges[0].begin = begin;
}

bool sequence_set_contains(const struct sequence_set *set, sequence begin, sequence end) {
    for (uint32_t i = 0; i < set->count; i++)
        if (at_or_before(set->ranges[i].begin, begin) && at_or_before(end, set->ranges[i].end))
            return true;
    return false;
}
