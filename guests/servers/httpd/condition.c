#include "servers/httpd/condition.h"

#include "servers/httpd/date.h"

// The fields that decide; a date's .at is NULL where it is not given, or given twice.
struct conditions {
    bool has_match, matches;           // If-Match
    bool has_none_match, none_matches; // If-None-Match: none_matches where a tag of it is the file's
    struct slice modified_since, unmodified_since, if_range, range;
    size_t if_ranges, ranges;
};

// Compares a tag of a list with the file's, which is a strong one (section 8.8.3.2).
static bool tag_matches(struct slice tag, const struct file *file, bool weakly) {
    if (weakly && tag.size > 2 && tag.at[0] == 'W' && tag.at[1] == '/')
        tag = (struct slice){tag.at + 2, tag.size - 2};
    return slice_equals(tag, file->tag);
}

// A tag of the files here has no comma, so that one cut through by the list's commas is another's.
static bool list_matches(struct slice list, const struct file *file, bool weakly) {
    struct slice tag;
    if (slice_equals(list, SLICE("*")))
        return true;
    while (next_element(&list, &tag))
        if (tag_matches(tag, file, weakly))
            return true;
    return false;
}

static void collect(const struct request *request, const struct file *file, struct conditions *conditions) {
    struct slice fields = request->fields;
    struct field field;
    while (next_field(&fields, &field)) {
        if (slice_is(field.name, SLICE("if-match"))) {
            conditions->has_match = true;
            conditions->matches |= list_matches(field.value, file, false);
        } else if (slice_is(field.name, SLICE("if-none-match"))) {
            conditions->has_none_match = true;
            conditions->none_matches |= list_matches(field.value, file, true);
        } else if (slice_is(field.name, SLICE("if-modified-since"))) {
            conditions->modified_since = field.value;
        } else if (slice_is(field.name, SLICE("if-unmodified-since"))) {
            conditions->unmodified_since = field.value;
        } else if (slice_is(field.name, SLICE("if-range"))) {
            conditions->if_range = field.value;
            conditions->if_ranges++;
        } else if (slice_is(field.name, SLICE("range"))) {
            conditions->range = field.value;
            conditions->ranges++;
        }
    }
}

// Section 13.2.2, steps 1 to 4. A date that cannot be read, or a file without one, is no condition.
static int check_preconditions(const struct conditions *conditions, const struct file *file, uint64_t now_s) {
    uint64_t date;
    if (conditions->has_match && !conditions->matches)
        return 412;
    if (!conditions->has_match && file->modified_s != 0 && date_parse(conditions->unmodified_since, now_s, &date) &&
        file->modified_s > date)
        return 412;
    if (conditions->has_none_match)
        return conditions->none_matches ? 304 : 200;
    if (file->modified_s != 0 && date_parse(conditions->modified_since, now_s, &date) && file->modified_s <= date)
        return 304;
    return 200;
}

// Section 13.1.5. The file's date is a strong validator when it is a minute old (section 8.8.2.2).
static bool range_is_wanted(const struct conditions *conditions, const struct file *file, uint64_t now_s) {
    uint64_t date;
    if (conditions->ranges != 1 || conditions->if_ranges > 1)
        return false;
    if (conditions->if_ranges == 0)
        return true;
    if (tag_matches(conditions->if_range, file, false))
        return true;
    return file->modified_s != 0 && file->modified_s + 60 <= now_s && date_parse(conditions->if_range, now_s, &date) &&
           date == file->modified_s;
}

// "500-999", "500-" or "-500". What is no range at all is left alone, as if there were no such field.
static int check_range(struct slice range, uint64_t size, struct part *part) {
    size_t dash = 0;
    while (dash < range.size && range.at[dash] != '-')
        dash++;
    if (dash == range.size)
        return 200;
    struct slice first = {range.at, dash}, last = {range.at + dash + 1, range.size - dash - 1};
    uint64_t start, end = UINT64_MAX;
    if (last.size > 0 && !slice_to_number(last, &end))
        return 200;
    if (first.size == 0) {
        if (last.size == 0 || (size == 0 && end > 0))
            return 200; // of an empty file there is no part to name
        *part = (struct part){end < size ? size - end : 0, size};
        return end > 0 ? 206 : 416;
    }
    if (!slice_to_number(first, &start) || end < start)
        return 200;
    *part = (struct part){start, end < size ? end + 1 : size};
    return start < size ? 206 : 416;
}

int condition_check(const struct request *request, const struct file *file, uint64_t now_s, struct part *part) {
    struct conditions conditions = {0};
    static const struct slice unit = SLICE("bytes=");
    collect(request, file, &conditions);
    *part = (struct part){0, file->size};
    int status = check_preconditions(&conditions, file, now_s);
    if (status != 200 || request->method != METHOD_GET || !range_is_wanted(&conditions, file, now_s))
        return status;
    struct slice set = conditions.range, range, second;
    if (set.size <= unit.size || !slice_is((struct slice){set.at, unit.size}, unit))
        return 200;
    set = (struct slice){set.at + unit.size, set.size - unit.size};
    if (!next_element(&set, &range) || next_element(&set, &second))
        return 200;
    return check_range(range, file->size, part);
}
