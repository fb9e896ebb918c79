#include "servers/httpd/content.h"

#include "servers/httpd/date.h"
#include "servers/httpd/media_type.h"

#define BUCKETS_FIRST 64
#define CACHED_FILE_BYTES_MAX (1u << 20)
#define FIELDS_BYTES_MAX 400

void content_begin(struct content *content, struct arena *arena) {
    *content = (struct content){.arena = arena, .now_s = solo5_clock_wall() / NS_PER_S, .cache_bytes = SIZE_MAX};
}

static void *take(struct content *content, size_t size, size_t align) {
    void *memory = arena_take(content->arena, size, align);
    if (memory == NULL)
        fail("no memory for the index of %zu files and directories; give the guest more", content->entries_count);
    return memory;
}

// FNV-1a.
static uint32_t hash_of(const char *path, size_t size) {
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)path[i]) * 0x01000193;
    return hash;
}

const struct entry *content_find(const struct content *content, const char *path, size_t path_size) {
    if (content->buckets_count == 0)
        return NULL;
    uint32_t hash = hash_of(path, path_size);
    const struct entry *entry = content->buckets[hash & (content->buckets_count - 1)];
    while (entry != NULL &&
           (entry->hash != hash || entry->path_size != path_size || memcmp(entry->path, path, path_size) != 0))
        entry = entry->next;
    return entry;
}

static void grow(struct content *content) {
    size_t count = content->buckets_count == 0 ? BUCKETS_FIRST : content->buckets_count * 2;
    struct entry **buckets = take(content, count * sizeof *buckets, sizeof(void *));
    memset(buckets, 0, count * sizeof *buckets);
    for (size_t i = 0; i < content->buckets_count; i++) {
        for (struct entry *entry = content->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            entry->next = buckets[entry->hash & (count - 1)];
            buckets[entry->hash & (count - 1)] = entry;
        }
    }
    content->buckets = buckets;
    content->buckets_count = count;
}

static struct entry *find_or_add(struct content *content, const char *path, size_t path_size) {
    struct entry *entry = (struct entry *)content_find(content, path, path_size);
    if (entry != NULL)
        return entry;
    if (content->entries_count == content->buckets_count)
        grow(content);
    entry = take(content, sizeof *entry + path_size, _Alignof(struct entry));
    *entry = (struct entry){.hash = hash_of(path, path_size), .path_size = (uint16_t)path_size};
    memcpy(entry->path, path, path_size);
    struct entry **bucket = &content->buckets[entry->hash & (content->buckets_count - 1)];
    entry->next = *bucket;
    *bucket = entry;
    content->entries_count++;
    return entry;
}

static struct entry *add_directory(struct content *content, const char *path, size_t path_size) {
    struct entry *entry = find_or_add(content, path, path_size);
    if (!entry->is_directory)
        entry->file = NULL;
    entry->is_directory = true;
    return entry;
}

// Adds the directories that lead to `path`, and returns the innermost; `name` receives what is behind it.
static struct entry *add_parents(struct content *content, const struct path *path, struct slice *name) {
    struct entry *parent = add_directory(content, "", 0);
    size_t start = 0;
    for (size_t i = 0; i < path->size; i++) {
        if (path->bytes[i] != '/')
            continue;
        parent = add_directory(content, path->bytes, i);
        start = i + 1;
    }
    *name = (struct slice){path->bytes + start, path->size - start};
    return parent;
}

void content_add_directory(struct content *content, const struct path *path) {
    struct slice name;
    add_parents(content, path, &name);
    add_directory(content, path->bytes, path->size);
}

static void make_fields(struct content *content, struct file *file, const char *type, const char *tag) {
    char text[FIELDS_BYTES_MAX], date[DATE_BYTES];
    size_t type_at = format_text(text, sizeof text, "Content-Length: %lu\r\n", (unsigned long)file->size);
    size_t at = type_at;
    at += format_text(text + at, sizeof text - at, "Content-Type: %s\r\nAccept-Ranges: bytes\r\n", type);
    size_t validators_at = at;
    size_t tag_at = at + sizeof "ETag: " - 1;
    at += format_text(text + at, sizeof text - at, "ETag: \"%s\"\r\n", tag);
    size_t tag_end = at - 2;
    if (file->modified_s != 0) {
        date_format(file->modified_s, date);
        at += format_text(text + at, sizeof text - at, "Last-Modified: %.*s\r\n", DATE_BYTES, date);
    }
    at += format_text(text + at, sizeof text - at, "\r\n");
    file->fields = take(content, at, 1);
    memcpy(file->fields, text, at);
    file->fields_size = (uint16_t)at;
    file->type_at = (uint16_t)type_at;
    file->validators_at = (uint16_t)validators_at;
    file->tag = (struct slice){file->fields + tag_at, tag_end - tag_at};
}

void content_add(struct content *content, const struct path *path, const struct file *file, const char *tag) {
    struct slice name;
    struct entry *parent = add_parents(content, path, &name);
    struct entry *entry = find_or_add(content, path->bytes, path->size);
    entry->is_directory = false;
    entry->file = take(content, sizeof *file, _Alignof(struct file));
    *entry->file = *file;
    if (entry->file->modified_s > content->now_s)
        entry->file->modified_s = content->now_s; // RFC 9110, section 8.8.2.1: no date to come
    make_fields(content, entry->file, media_type_of(name), tag);
    if (slice_equals(name, SLICE("index.html")))
        parent->file = entry->file;
}

bool content_read(struct content *content, const struct file *file, uint64_t at, void *to, size_t size) {
    return disk_read(&content->disk, file->offset + at, to, size);
}

bool content_prepare(struct content *content, struct file *file) {
    if (file->bytes != NULL || file->size > CACHED_FILE_BYTES_MAX || file->size > content->cache_bytes)
        return true;
    struct arena before = *content->arena;
    uint8_t *bytes = arena_take(content->arena, (size_t)file->size, 16);
    if (bytes == NULL)
        return true;
    if (!content_read(content, file, 0, bytes, (size_t)file->size)) {
        *content->arena = before;
        return false;
    }
    content->cache_bytes -= (size_t)file->size;
    file->bytes = bytes;
    return true;
}
