#include "servers/httpd/content.h"
#include "servers/httpd/tar.h"

static bool path_of(const struct tar_name *name, struct path *path) {
    return path_of_name((struct slice){name->bytes, name->size}, path);
}

static void add_file(struct content *content, const struct path *path, const struct tar_entry *entry) {
    struct file file = {.offset = entry->offset, .size = entry->size, .modified_s = entry->modified_s};
    char tag[40];
    format_text(tag, sizeof tag, "%lx-%lx", (unsigned long)entry->modified_s, (unsigned long)entry->size);
    content_add(content, path, &file, tag);
}

// A hard link has the content of a file before it, under a name of its own.
static bool add_link(struct content *content, const struct path *path, const struct tar_entry *entry) {
    struct path target;
    if (!path_of(&entry->target, &target))
        return false;
    const struct entry *linked = content_find(content, target.bytes, target.size);
    if (linked == NULL || linked->is_directory)
        return false;
    struct tar_entry copy = {
        .offset = linked->file->offset, .size = linked->file->size, .modified_s = linked->file->modified_s};
    add_file(content, path, &copy);
    return true;
}

static bool add_entry(struct content *content, const struct tar_entry *entry) {
    struct path path;
    if (!path_of(&entry->name, &path))
        return false;
    switch (entry->kind) {
    case TAR_FILE:
        if (path.size > 0)
            add_file(content, &path, entry);
        return path.size > 0;
    case TAR_LINK:
        return path.size > 0 && add_link(content, &path, entry);
    case TAR_DIRECTORY:
        content_add_directory(content, &path);
        return true;
    default:
        return false;
    }
}

void content_open(struct content *content, struct arena *arena) {
    static struct tar_entry entry;
    size_t left_out = 0;
    content_begin(content, arena);
    disk_open(&content->disk, "content", arena);
    struct tar tar = {.disk = &content->disk};
    while (tar_next(&tar, &entry))
        left_out += !add_entry(content, &entry);
    if (tar.error != NULL)
        fail("block device 'content': %s (at offset %lu)", tar.error, (unsigned long)tar.error_offset);
    if (content->entries_count == 0)
        fail("block device 'content' holds no files: attach a tar archive");
    if (left_out > 0)
        print("block device 'content': %zu entries are neither files nor directories, or have names that leave the "
              "root: left out\n",
              left_out);
}
