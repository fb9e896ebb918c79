#include "bindings/bindings.h"

static const struct manifest *devices;
static solo5_handle_set_t acquired;
uint32_t net_frame_lengths[MANIFEST_MAX_ENTRIES];
uint64_t net_buffer_too_small[MANIFEST_MAX_ENTRIES] = {[0 ... MANIFEST_MAX_ENTRIES - 1] = UINT64_MAX};

void devices_use(const struct manifest *manifest) {
    devices = manifest;
}

const struct manifest_entry *device_acquire(const char *name, uint32_t type, solo5_handle_t *handle) {
    for (uint32_t i = 0; i < devices->entries; i++) {
        const struct manifest_entry *entry = &devices->entry[i];
        if (entry->type != type || strncmp(entry->name, name, sizeof entry->name) != 0)
            continue;
        if (!entry->attached || (acquired >> i & 1) != 0)
            return NULL;
        acquired |= (solo5_handle_set_t)1 << i;
        *handle = i;
        return entry;
    }
    return NULL;
}

const struct manifest_entry *device_at(solo5_handle_t handle, uint32_t type) {
    if (handle >= MANIFEST_MAX_ENTRIES || (acquired >> handle & 1) == 0)
        return NULL;
    const struct manifest_entry *entry = &devices->entry[handle];
    return entry->type == type ? entry : NULL;
}

bool block_range_fits(const struct manifest_entry *device, solo5_off_t offset, size_t size) {
    const struct device_block *block = &device->u.block;
    return size == block->block_bytes && (offset & (size - 1)) == 0 && offset <= block->capacity_bytes - size;
}

solo5_result_t solo5_net_acquire(const char *name, solo5_handle_t *handle, struct solo5_net_info *info) {
    const struct manifest_entry *entry = device_acquire(name, DEVICE_NET, handle);
    if (entry == NULL)
        return SOLO5_R_EINVAL;
    memcpy(info->mac_address, entry->u.net.mac, sizeof info->mac_address);
    info->mtu = entry->u.net.mtu;
    net_frame_lengths[*handle] = (uint32_t)entry->u.net.mtu + 1;
    net_buffer_too_small[*handle] = (uint64_t)entry->u.net.mtu + SOLO5_NET_HLEN - 1;
    return SOLO5_R_OK;
}

solo5_result_t solo5_block_acquire(const char *name, solo5_handle_t *handle, struct solo5_block_info *info) {
    const struct manifest_entry *entry = device_acquire(name, DEVICE_BLOCK, handle);
    if (entry == NULL)
        return SOLO5_R_EINVAL;
    info->capacity = entry->u.block.capacity_bytes;
    info->block_size = entry->u.block.block_bytes;
    return SOLO5_R_OK;
}
