#include "fake_solo5.h"

#include <string.h>

struct fake_solo5 fake_solo5;

void solo5_exit(int status) {
    longjmp(fake_solo5.on_exit, status + 1);
}

solo5_time_t solo5_clock_wall(void) {
    fake_solo5.wall_reads++;
    return fake_solo5.wall_ns;
}

void solo5_console_write(const char *text, size_t size) {
    size_t room = sizeof fake_solo5.console - 1 - fake_solo5.console_size;
    size_t part = size < room ? size : room;
    memcpy(fake_solo5.console + fake_solo5.console_size, text, part);
    fake_solo5.console_size += part;
    fake_solo5.console[fake_solo5.console_size] = '\0';
}

solo5_result_t solo5_block_acquire(const char *name, solo5_handle_t *handle, struct solo5_block_info *info) {
    if (fake_solo5.block_name == NULL || strcmp(name, fake_solo5.block_name) != 0)
        return SOLO5_R_EINVAL;
    *handle = 1;
    *info = (struct solo5_block_info){.capacity = fake_solo5.block_capacity, .block_size = fake_solo5.block_size};
    return SOLO5_R_OK;
}

solo5_result_t solo5_block_read(solo5_handle_t handle, solo5_off_t offset, uint8_t *data, size_t size) {
    bool is_one_block = size == fake_solo5.block_size && offset % size == 0;
    if (handle != 1 || !is_one_block || offset > fake_solo5.block_capacity - size)
        return SOLO5_R_EINVAL;
    if (fake_solo5.block_fails) {
        memset(data, 0xdd, size); // what is in it then, nobody may rely on
        return SOLO5_R_EUNSPEC;
    }
    memcpy(data, fake_solo5.block_bytes + offset, size);
    return SOLO5_R_OK;
}
