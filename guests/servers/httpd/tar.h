// Tar archives: POSIX ustar and pax (IEEE Std 1003.1, "pax"), and GNU tar's long names and large numbers.
#ifndef TAR_H
#define TAR_H

#include "servers/common/disk.h"
#include "servers/httpd/path.h"

#define TAR_BLOCK_BYTES 512
#define TAR_RECORDS_BYTES_MAX 65536 // of the extended header of one file

enum tar_kind {
    TAR_FILE,
    TAR_LINK, // another name of an earlier file
    TAR_DIRECTORY,
    TAR_OTHER, // symbolic links, devices
};

struct tar_name {
    size_t size; // larger than the room below: cut, and of no use
    char bytes[PATH_BYTES_MAX];
};

struct tar_entry {
    enum tar_kind kind;
    struct tar_name name, target; // target: of a link
    uint64_t offset, size;        // of the content
    uint64_t modified_s;
};

struct tar {
    struct disk *disk;
    uint64_t next; // offset of the next header
    const char *error; // what is wrong with the archive, and at which offset
    uint64_t error_offset;
};

// Reads the next entry. False: the archive has ended, or `error` says what is wrong with it.
bool tar_next(struct tar *tar, struct tar_entry *entry);

#endif
