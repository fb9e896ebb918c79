#include "servers/httpd/tar.h"

struct header {
    char name[100];
    char mode[8], owner[8], group[8];
    char size[12];
    char modified[12];
    char checksum[8];
    char type;
    char target[100];
    char magic[6]; // "ustar", then NUL (POSIX) or a blank (GNU)
    char version[2];
    char owner_name[32], group_name[32], device_major[8], device_minor[8];
    char prefix[155];
    char padding[12];
};

_Static_assert(sizeof(struct header) == TAR_BLOCK_BYTES, "a header is one block");

// What an extended header says of the entry behind it; each may be missing.
struct extension {
    bool has_name, has_target, has_size, has_modified;
    struct tar_name name, target;
    uint64_t size, modified_s;
};

static bool refuse(struct tar *tar, uint64_t offset, const char *error) {
    tar->error = error;
    tar->error_offset = offset;
    return false;
}

// ---- parts of a header -------------------------------------------------------------------------------------------

static struct slice text_of(const char *at, size_t room) {
    size_t size = 0;
    while (size < room && at[size] != '\0')
        size++;
    return (struct slice){at, size};
}

static void set_name(struct tar_name *name, struct slice text) {
    name->size = text.size;
    memcpy(name->bytes, text.at, text.size < sizeof name->bytes ? text.size : sizeof name->bytes);
}

// Octal digits between blanks or NULs, or GNU's base 256, marked by the top bit. False: neither, or above 2^63.
static bool read_number(const char *at, size_t room, uint64_t *number) {
    uint64_t value = 0;
    if (((uint8_t)at[0] & 0x80) != 0) {
        for (size_t i = 0; i < room; i++) {
            uint8_t byte = i == 0 ? (uint8_t)at[0] & 0x7f : (uint8_t)at[i];
            if (value >> 55 != 0)
                return false;
            value = value << 8 | byte;
        }
        *number = value;
        return true;
    }
    size_t i = 0;
    while (i < room && at[i] == ' ')
        i++;
    for (; i < room && at[i] >= '0' && at[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(at[i] - '0');
    *number = value;
    return i == room || at[i] == ' ' || at[i] == '\0';
}

// The sum of the header's bytes, the checksum's own taken as blanks.
static bool checksum_agrees(const struct header *header) {
    const uint8_t *bytes = (const uint8_t *)header;
    uint64_t stated, sum = 0;
    for (size_t i = 0; i < sizeof *header; i++)
        sum += i - offsetof(struct header, checksum) < sizeof header->checksum ? ' ' : bytes[i];
    return read_number(header->checksum, sizeof header->checksum, &stated) && stated == sum;
}

static bool is_zero(const struct header *header) {
    const uint8_t *bytes = (const uint8_t *)header;
    for (size_t i = 0; i < sizeof *header; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void name_of_header(const struct header *header, struct tar_name *name) {
    struct slice own = text_of(header->name, sizeof header->name);
    struct slice prefix = text_of(header->prefix, sizeof header->prefix);
    bool is_posix = memcmp(header->magic, "ustar", 6) == 0; // GNU uses the prefix for other things
    if (!is_posix || prefix.size == 0) {
        set_name(name, own);
        return;
    }
    memcpy(name->bytes, prefix.at, prefix.size);
    name->bytes[prefix.size] = '/';
    memcpy(name->bytes + prefix.size + 1, own.at, own.size);
    name->size = prefix.size + 1 + own.size;
}

// ---- extended headers --------------------------------------------------------------------------------------------

// Digits, and a fraction that is dropped; a time before 1970 is 0.
static bool read_time(struct slice text, uint64_t *seconds) {
    bool is_before = text.size > 0 && text.at[0] == '-';
    if (is_before)
        text.at++, text.size--;
    struct slice whole = {text.at, 0};
    while (whole.size < text.size && text.at[whole.size] != '.')
        whole.size++;
    if (!slice_to_number(whole, seconds))
        return false;
    if (is_before)
        *seconds = 0;
    return true;
}

static bool take_record(struct extension *extension, struct slice keyword, struct slice value) {
    if (slice_equals(keyword, SLICE("path"))) {
        set_name(&extension->name, value);
        extension->has_name = true;
    } else if (slice_equals(keyword, SLICE("linkpath"))) {
        set_name(&extension->target, value);
        extension->has_target = true;
    } else if (slice_equals(keyword, SLICE("size"))) {
        extension->has_size = true;
        return slice_to_number(value, &extension->size);
    } else if (slice_equals(keyword, SLICE("mtime"))) {
        extension->has_modified = true;
        return read_time(value, &extension->modified_s);
    }
    return true;
}

// Records of pax: "SIZE KEYWORD=VALUE\n", where SIZE counts the whole record, itself too.
static bool take_records(struct extension *extension, struct slice records) {
    while (records.size > 0) {
        size_t digits = 0, equals;
        uint64_t size;
        while (digits < records.size && records.at[digits] != ' ')
            digits++;
        if (!slice_to_number((struct slice){records.at, digits}, &size) || size > records.size || size < digits + 3 ||
            records.at[size - 1] != '\n')
            return false;
        for (equals = digits + 1; equals < size - 1 && records.at[equals] != '=';)
            equals++;
        if (equals == size - 1)
            return false;
        struct slice keyword = {records.at + digits + 1, equals - digits - 1};
        struct slice value = {records.at + equals + 1, (size_t)size - 2 - equals};
        if (!take_record(extension, keyword, value))
            return false;
        records = (struct slice){records.at + size, records.size - (size_t)size};
    }
    return true;
}

static bool take_extension(struct tar *tar, struct extension *extension, char type, uint64_t offset, uint64_t size) {
    static char records[TAR_RECORDS_BYTES_MAX];
    if (size > sizeof records)
        return refuse(tar, offset, "an extended header is longer than 64 KiB");
    if (!disk_read(tar->disk, offset, records, (size_t)size))
        return refuse(tar, offset, "an extended header cannot be read");
    struct slice text = text_of(records, (size_t)size);
    if (type == 'L') {
        set_name(&extension->name, text);
        extension->has_name = true;
    } else if (type == 'K') {
        set_name(&extension->target, text);
        extension->has_target = true;
    } else if (!take_records(extension, (struct slice){records, (size_t)size})) {
        return refuse(tar, offset, "an extended header is malformed");
    }
    return true;
}

// ---- entries -----------------------------------------------------------------------------------------------------

static enum tar_kind kind_of(const struct header *header) {
    switch (header->type) {
    case '\0':
    case '0':
    case '7':
        return TAR_FILE;
    case '1':
        return TAR_LINK;
    case '5':
        return TAR_DIRECTORY;
    default:
        return TAR_OTHER;
    }
}

static bool has_content(char type) {
    return !(type >= '1' && type <= '6'); // links, devices, directories and pipes have none
}

static void describe(const struct header *header, const struct extension *extension, struct tar_entry *entry) {
    entry->kind = kind_of(header);
    if (extension->has_name)
        entry->name = extension->name;
    else
        name_of_header(header, &entry->name);
    if (extension->has_target)
        entry->target = extension->target;
    else
        set_name(&entry->target, text_of(header->target, sizeof header->target));
    if (extension->has_modified)
        entry->modified_s = extension->modified_s;
    else if (!read_number(header->modified, sizeof header->modified, &entry->modified_s))
        entry->modified_s = 0;
    bool has_slash = entry->name.size > 0 && entry->name.size <= PATH_BYTES_MAX &&
                     entry->name.bytes[entry->name.size - 1] == '/';
    if (entry->kind == TAR_FILE && has_slash)
        entry->kind = TAR_DIRECTORY; // as archives before POSIX say it
}

static bool read_header(struct tar *tar, struct header *header) {
    if (!disk_read(tar->disk, tar->next, header, sizeof *header))
        return refuse(tar, tar->next, "the archive cannot be read");
    if (is_zero(header))
        return false;
    if (!checksum_agrees(header))
        return refuse(tar, tar->next, "the checksum of a header is wrong");
    return true;
}

bool tar_next(struct tar *tar, struct tar_entry *entry) {
    static struct extension extension;
    memset(&extension, 0, sizeof extension);
    while (tar->disk->bytes - tar->next >= TAR_BLOCK_BYTES) {
        struct header header;
        uint64_t at = tar->next, size;
        if (!read_header(tar, &header))
            return false;
        if (!read_number(header.size, sizeof header.size, &size))
            return refuse(tar, at, "a file's size is malformed");
        bool is_extension = header.type == 'x' || header.type == 'g' || header.type == 'L' || header.type == 'K';
        if (extension.has_size && !is_extension)
            size = extension.size;
        if (!has_content(header.type))
            size = 0;
        entry->offset = at + TAR_BLOCK_BYTES;
        entry->size = size;
        if (size > tar->disk->bytes - entry->offset)
            return refuse(tar, at, "a file reaches beyond the end of the device");
        uint64_t padded = (size + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES;
        uint64_t rest = tar->disk->bytes - entry->offset;
        tar->next = entry->offset + (padded < rest ? padded : rest);
        if (header.type == 'g')
            continue; // for all files, such as a commit's name: nothing that is served
        if (!is_extension) {
            describe(&header, &extension, entry);
            return true;
        }
        if (!take_extension(tar, &extension, header.type, entry->offset, size))
            return false;
    }
    return false;
}
