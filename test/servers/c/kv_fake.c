#include "kv_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "random.h"
#include "servers/kv/entropy.h"
#include "servers/kv/server.h"

struct kv_fake kv_fake;

uintptr_t __stack_chk_guard = 0x5eed;

uint64_t processor_random(void) {
    return random_next(&kv_fake.entropy);
}

static void (*on_batch)(void *user);
static void *on_batch_user;

void serve_on_batch(void (*callback)(void *user), void *user) {
    on_batch = callback;
    on_batch_user = user;
}

void kv_fake_end_batch(void) {
    on_batch(on_batch_user);
}

void serve_stop(int status) {
    (void)status;
    kv_fake.stopped = true;
}

void serve_tcp_set_keepalive(struct serve_tcp *tcp, uint64_t idle_ns) {
    (void)tcp;
    (void)idle_ns;
}

struct serve_address serve_tcp_peer(const struct serve_tcp *tcp) {
    (void)tcp;
    return (struct serve_address){0x0a000001, 40000};
}

void solo5_exit(int status) {
    exit(status);
}

// The clocks are those of the batch, as serve_now_ns() must not be called at any time.
solo5_time_t solo5_clock_monotonic(void) {
    return server.now_ns;
}

solo5_time_t solo5_clock_wall(void) {
    return kv_fake.wall_ns + server.now_ns;
}

void solo5_console_write(const char *text, size_t size) {
    if (!kv_fake.quiet)
        fwrite(text, 1, size, stderr);
}

solo5_result_t solo5_block_acquire(const char *name, solo5_handle_t *handle, struct solo5_block_info *info) {
    if (kv_fake.block_size == 0 || strcmp(name, "storage") != 0)
        return SOLO5_R_EINVAL;
    *handle = 1;
    *info = (struct solo5_block_info){.capacity = kv_fake.block_capacity, .block_size = kv_fake.block_size};
    return SOLO5_R_OK;
}

static bool is_block(solo5_handle_t handle, solo5_off_t offset, size_t size) {
    return handle == 1 && size == kv_fake.block_size && offset % size == 0 && offset <= kv_fake.block_capacity - size;
}

solo5_result_t solo5_block_read(solo5_handle_t handle, solo5_off_t offset, uint8_t *data, size_t size) {
    if (!is_block(handle, offset, size))
        return SOLO5_R_EINVAL;
    memcpy(data, kv_fake.block_bytes + offset, size);
    return SOLO5_R_OK;
}

solo5_result_t solo5_block_write(solo5_handle_t handle, solo5_off_t offset, const uint8_t *data, size_t size) {
    if (!is_block(handle, offset, size))
        return SOLO5_R_EINVAL;
    bool crashes = ++kv_fake.writes == kv_fake.crash_write;
    memcpy(kv_fake.block_bytes + offset, data, crashes ? kv_fake.crash_bytes : size);
    if (crashes)
        _exit(KV_FAKE_CRASHED);
    return SOLO5_R_OK;
}
