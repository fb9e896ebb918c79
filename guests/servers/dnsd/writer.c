#include "servers/dnsd/writer.h"

#define OPT_BYTES 11
#define POINTER_BITS 0xc000u
#define POINTER_MAX 0x3fffu

// ---- names -------------------------------------------------------------------------------------------------------

// Compares a name with one in the message, which may end with a pointer to an earlier one. Case counts: each name comes
// to the client in the case in which the zone, or the question, has it.
static bool written_equals(const struct writer *writer, size_t at, const uint8_t *name) {
    for (;;) {
        const uint8_t *written = writer->bytes + at;
        if (written[0] >= 0xc0) {
            at = load_be16(written) & POINTER_MAX;
            continue;
        }
        size_t size = 1u + name[0];
        if (memcmp(written, name, size) != 0)
            return false;
        if (size == 1)
            return true;
        at += size;
        name += size;
    }
}

// Where this name was written, as one of the first `known`; 0: nowhere.
static uint16_t find_name(const struct writer *writer, size_t known, const uint8_t *name) {
    for (size_t i = 0; i < known; i++) {
        const uint8_t *written = writer->bytes + writer->names[i];
        if (written[0] == name[0] && written[1] == name[1] && written_equals(writer, writer->names[i], name))
            return writer->names[i];
    }
    return 0;
}

static bool put(struct writer *writer, const void *bytes, size_t size) {
    if (size > writer->room - writer->size)
        return false;
    memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
    return true;
}

static bool put_number(struct writer *writer, uint16_t number) {
    uint8_t bytes[2];
    store_be16(bytes, number);
    return put(writer, bytes, sizeof bytes);
}

static void remember_name(struct writer *writer) {
    if (writer->names_count < NAMES_MAX && writer->size <= POINTER_MAX)
        writer->names[writer->names_count++] = (uint16_t)writer->size;
}

static bool put_name(struct writer *writer, const uint8_t *name) {
    size_t known = writer->names_count; // not this one's own parts, which have no end yet
    for (; name[0] != 0; name += 1u + name[0]) {
        uint16_t before = find_name(writer, known, name);
        if (before != 0)
            return put_number(writer, (uint16_t)(POINTER_BITS | before));
        remember_name(writer);
        if (!put(writer, name, 1u + name[0]))
            return false;
    }
    return put(writer, "", 1);
}

// ---- records -----------------------------------------------------------------------------------------------------

// Data, with the names in it that may be compressed: those come after fields of known sizes (record.c).
static bool put_data(struct writer *writer, const struct record_form *form, const struct record *record) {
    const uint8_t *data = record->data, *end = data + record->size;
    for (const char *field = form == NULL ? "" : form->fields; data < end; field++) {
        if (*field == FIELD_NAME) {
            if (!put_name(writer, data))
                return false;
            data += name_size(data);
        } else if (*field == FIELD_NUMBER) {
            if (!put(writer, data, 2))
                return false;
            data += 2;
        } else {
            return put(writer, data, (size_t)(end - data));
        }
    }
    return true;
}

static bool put_record(struct writer *writer, const uint8_t *owner, const struct record_set *set, uint32_t ttl_s,
                       const struct record *record) {
    uint8_t fixed[10];
    store_be16(fixed, set->type);
    store_be16(fixed + 2, CLASS_IN);
    store_be32(fixed + 4, ttl_s);
    store_be16(fixed + 8, 0);
    if (!put_name(writer, owner) || !put(writer, fixed, sizeof fixed))
        return false;
    size_t data_at = writer->size;
    if (!put_data(writer, set->form, record))
        return false;
    store_be16(writer->bytes + data_at - 2, (uint16_t)(writer->size - data_at));
    return true;
}

bool writer_add(struct writer *writer, enum section section, const uint8_t *owner, const struct record_set *set,
                uint32_t ttl_s) {
    size_t size = writer->size;
    uint16_t names_count = writer->names_count;
    for (const struct record *record = set->first; record != NULL; record = record->next) {
        if (put_record(writer, owner, set, ttl_s, record))
            continue;
        writer->size = size;
        writer->names_count = names_count;
        return false;
    }
    writer->counts[section] = (uint16_t)(writer->counts[section] + set->count);
    return true;
}

// ---- the message -------------------------------------------------------------------------------------------------

void writer_begin(struct writer *writer, const struct query *query, uint8_t *bytes, size_t room) {
    writer->bytes = bytes;
    writer->room = room - (query->has_edns ? OPT_BYTES : 0);
    writer->size = HEADER_BYTES;
    writer->counts[SECTION_ANSWER] = writer->counts[SECTION_AUTHORITY] = writer->counts[SECTION_ADDITIONAL] = 0;
    writer->names_count = 0;
    if (!query->has_question)
        return;
    put_name(writer, query->name); // at most 255 bytes, and 512 are there
    put_number(writer, query->type);
    put_number(writer, query->class);
}

size_t writer_end(struct writer *writer, const struct query *query, uint16_t flags, enum response_code code,
                  uint16_t udp_bytes) {
    uint8_t *header = writer->bytes;
    flags |= FLAG_RESPONSE | (query->flags & (FLAGS_OPCODE | FLAG_RECURSION_DESIRED));
    store_be16(header, query->id);
    store_be16(header + 2, (uint16_t)(flags | (code & 0xf)));
    store_be16(header + 4, query->has_question);
    store_be16(header + 6, writer->counts[SECTION_ANSWER]);
    store_be16(header + 8, writer->counts[SECTION_AUTHORITY]);
    store_be16(header + 10, (uint16_t)(writer->counts[SECTION_ADDITIONAL] + query->has_edns));
    if (query->has_edns) { // name, type, class: size, TTL: code's upper bits, version, flags; no options
        uint8_t *opt = writer->bytes + writer->size;
        memset(opt, 0, OPT_BYTES);
        store_be16(opt + 1, TYPE_OPT);
        store_be16(opt + 3, udp_bytes);
        opt[5] = (uint8_t)(code >> 4);
        writer->size += OPT_BYTES;
    }
    return writer->size;
}
