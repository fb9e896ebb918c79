// Thread-local storage in the local-exec model: the linker knows each variable's distance from the thread pointer.
// Layouts: "ELF Handling For Thread-Local Storage", section 3.4.6 and .3 (x86-64, variant II; AArch64, variant I).
#include "bindings/bindings.h"

extern const char tls_image[];       // the variables' first values,
extern const char tls_image_bytes[]; // so many bytes;
extern const char tls_block_bytes[]; // the zeroed ones counted too;
extern const char tls_block_align[]; // at least 16

#define IMAGE_BYTES ((size_t)tls_image_bytes)
#define BLOCK_BYTES ((size_t)tls_block_bytes)
#define BLOCK_ALIGN ((size_t)tls_block_align)
#define THREAD_WORDS_BYTES 16 // what lies at the thread pointer, before the variables on AArch64

static uintptr_t align_up(uintptr_t value, size_t align) {
    return (value + align - 1) & ~(uintptr_t)(align - 1);
}

static size_t variables_bytes(void) {
    return align_up(BLOCK_BYTES, BLOCK_ALIGN);
}

size_t solo5_tls_size(void) {
    return BLOCK_ALIGN + variables_bytes() + align_up(THREAD_WORDS_BYTES, BLOCK_ALIGN);
}

uintptr_t solo5_tls_tp_offset(uintptr_t block) {
#if defined(__x86_64__)
    return align_up(block, BLOCK_ALIGN) + variables_bytes();
#else
    return align_up(block, BLOCK_ALIGN);
#endif
}

solo5_result_t solo5_tls_init(uintptr_t block) {
    if (block == 0)
        return SOLO5_R_EINVAL;
    uintptr_t pointer = solo5_tls_tp_offset(block);
#if defined(__x86_64__)
    uintptr_t variables = pointer - variables_bytes();
#else
    uintptr_t variables = pointer + align_up(THREAD_WORDS_BYTES, BLOCK_ALIGN);
#endif
    *(uintptr_t *)pointer = pointer;
    memcpy((void *)variables, tls_image, IMAGE_BYTES);
    memset((void *)(variables + IMAGE_BYTES), 0, BLOCK_BYTES - IMAGE_BYTES);
    return SOLO5_R_OK;
}

solo5_result_t solo5_set_tls_base(uintptr_t base) {
    return platform_set_tls_base(base) ? SOLO5_R_OK : SOLO5_R_EINVAL;
}
