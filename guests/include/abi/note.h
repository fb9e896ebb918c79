// ELF notes of Solo5's images ("ABI1" and "MFT1"): which host interface a program was linked for, and its manifest.
// Layout after Solo5 0.12, include/elf_abi.h and include/mft_abi.h.
#ifndef ABI_NOTE_H
#define ABI_NOTE_H

#include <stdint.h>

#define NOTE_ABI1 0x31494241u
#define NOTE_MFT1 0x3154464du

enum abi_target { ABI_HVT = 1, ABI_SPT = 2 };

#define HVT_ABI_VERSION 2
#define SPT_ABI_VERSION 2

struct note_header {
    uint32_t name_bytes;
    uint32_t content_bytes;
    uint32_t type;
    char name[8];
};
_Static_assert(sizeof(struct note_header) == 20, "a note's name ends on a multiple of 4");

#define NOTE_HEADER(note_type, note) \
    { \
        .name_bytes = sizeof "Solo5", .content_bytes = sizeof(note) - sizeof(struct note_header), .type = (note_type), \
        .name = "Solo5" \
    }

struct abi_note {
    struct note_header header;
    uint32_t target;
    uint32_t version;
    uint32_t reserved[2];
};

// Makes a program one that only a tender of this interface starts: Linux refuses it for want of its interpreter.
#define DECLARE_ABI(abi_target, abi_version) \
    const struct abi_note abi_note __attribute__((section(".note.solo5.abi"), aligned(4), used)) = { \
        .header = NOTE_HEADER(NOTE_ABI1, struct abi_note), .target = (abi_target), .version = (abi_version)}; \
    const char interpreter[] __attribute__((section(".interp"), used)) = "/nonexistent/solo5/"

#endif
