/*
 * One layout for spt and hvt images and native programs, so that a program's own code lies at the same addresses in
 * all of them.
 *
 * Each segment has 64 KiB pages of its own in memory, for hosts with pages of up to that size, but follows the one
 * before it in the file at the next multiple of 4 KiB: its address has the same remainder by 64 KiB as its place in
 * the file.
 */
#define NEXT_SEGMENT (ALIGN(0x10000) + (ALIGN(0x1000) & 0xffff))

ENTRY(start)

PHDRS {
#ifndef NATIVE
    interpreter PT_INTERP FLAGS(4);
#endif
    text PT_LOAD FILEHDR PHDRS FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
#ifdef NATIVE
    stack PT_GNU_STACK FLAGS(6);
#else
    abi PT_NOTE FLAGS(4);
    manifest PT_NOTE FLAGS(4);
#endif
}

SECTIONS {
    . = 0x100000 + 0x240;
    .text : ALIGN(64) { *(.text .text.*) } :text
    .trap : { *(.trap) } :text

    . = NEXT_SEGMENT;
    text_limit = .;
#ifdef NATIVE
    .note.manifest : { KEEP(*(.note.solo5.manifest)) } :rodata
#else
    .interp : { KEEP(*(.interp)) } :rodata :interpreter
    .note.abi : { KEEP(*(.note.solo5.abi)) } :rodata :abi
    .note.manifest : { KEEP(*(.note.solo5.manifest)) } :rodata :manifest
#endif
    .rodata : { *(.rodata .rodata.*) } :rodata
    .tdata : { *(.tdata .tdata.*) } :rodata
    .tbss : { *(.tbss .tbss.*) } :rodata
    tls_image = ADDR(.tdata);
    tls_image_bytes = ABSOLUTE(SIZEOF(.tdata));
    tls_block_bytes = ABSOLUTE(SIZEOF(.tbss) > 0 ? ADDR(.tbss) + SIZEOF(.tbss) - ADDR(.tdata) : SIZEOF(.tdata));
    tls_block_align = ABSOLUTE(MAX(16, MAX(ALIGNOF(.tdata), ALIGNOF(.tbss))));

    . = NEXT_SEGMENT;
    .data : { *(.data .data.*) } :data
    .bss : { *(.bss .bss.*) *(COMMON) } :data
    image_limit = .;

    /* What AArch64's linker makes for indirect functions, of which there are none. */
    .plt : { *(.plt .iplt) } :text
    .rela : { *(.rela .rela.*) } :rodata
    .got : { *(.got .got.plt .igot .igot.plt) } :data
    ASSERT(SIZEOF(.plt) + SIZEOF(.rela) + SIZEOF(.got) == 0, "a static program at a fixed address needs no relocation")

    /DISCARD/ : { *(.comment .note.gnu.* .note.GNU-stack .eh_frame) }
}
