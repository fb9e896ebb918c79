// What is served: files by path, in memory or on a block device.
#ifndef CONTENT_H
#define CONTENT_H

#include "servers/common/disk.h"
#include "servers/httpd/path.h"

struct file {
    const uint8_t *bytes; // NULL: on the disk, at `offset`
    uint64_t offset;
    uint64_t size;
    uint64_t modified_s; // since 1970; 0: not known
    struct slice tag;    // the entity tag, with its quotes

    // Lines of a response, made once: Content-Length, then from `type_at` what every response with content has, then
    // from `validators_at` what 304 has too; at the end the empty line.
    char *fields;
    uint16_t fields_size, type_at, validators_at;
};

// A path that is served; a directory's file is its index.html.
struct entry {
    struct entry *next; // in its bucket
    uint32_t hash;
    uint16_t path_size;
    bool is_directory;
    struct file *file; // NULL: a directory without index
    char path[];
};

struct content {
    struct arena *arena;
    uint64_t now_s; // at the start; no file is younger
    struct disk disk;
    struct entry **buckets;
    size_t buckets_count, entries_count;
    size_t cache_bytes; // that may still be taken for files read from the disk
};

// Which of the two is linked says what there is to serve; both end the program with a line where something is wrong.
//   content_builtin.c  a page of 4 KiB and a small one
//   content_tar.c      the files of a tar archive on the block device "content"
void content_open(struct content *content, struct arena *arena);

// Makes an empty index.
void content_begin(struct content *content, struct arena *arena);

// A path is added once only: what is added again takes the former's place. A file's directories are added with it.
// `tag` names this content of the file among all others that the path ever has.
void content_add(struct content *content, const struct path *path, const struct file *file, const char *tag);
void content_add_directory(struct content *content, const struct path *path);

const struct entry *content_find(const struct content *content, const char *path, size_t path_size);

// Brings a small file into memory, as long as there is some to keep it in. False: the disk failed.
bool content_prepare(struct content *content, struct file *file);

// Reads a part of a file that is not in memory. False: the disk failed.
bool content_read(struct content *content, const struct file *file, uint64_t at, void *to, size_t size);

#endif
