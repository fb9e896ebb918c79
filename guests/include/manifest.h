// Declares a program's devices, once in each program: MANIFEST(NET("service"), BLOCK("storage"));
// A device's handle is its place in the list, counted from 1. Names are of letters and digits.
#ifndef MANIFEST_H
#define MANIFEST_H

#include "abi/manifest.h"

#define NET(device_name) \
    { .name = device_name, .type = DEVICE_NET }
#define BLOCK(device_name) \
    { .name = device_name, .type = DEVICE_BLOCK }

#define MANIFEST_LIST(...) \
    { {.type = DEVICE_RESERVED}, __VA_ARGS__ }

// The note's content begins with 4 bytes that bring the manifest to a multiple of 8 from the note's start.
#define MANIFEST(...) \
    enum { \
        manifest_entries = sizeof((struct manifest_entry[])MANIFEST_LIST(__VA_ARGS__)) / sizeof(struct manifest_entry) \
    }; \
    _Static_assert(manifest_entries <= MANIFEST_MAX_ENTRIES, "too many devices"); \
    struct program_manifest_note { \
        struct note_header header; \
        uint32_t padding; \
        uint32_t version; \
        uint32_t entries; \
        struct manifest_entry entry[manifest_entries]; \
    } __attribute__((packed, aligned(4))); \
    const struct program_manifest_note manifest_note \
        __attribute__((section(".note.solo5.manifest"), aligned(4), used)) = { \
            .header = NOTE_HEADER(NOTE_MFT1, struct program_manifest_note), \
            .version = MANIFEST_VERSION, \
            .entries = manifest_entries, \
            .entry = MANIFEST_LIST(__VA_ARGS__)}

#endif
