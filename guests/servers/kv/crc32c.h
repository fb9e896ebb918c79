// CRC-32C: Castagnoli's polynomial, as iSCSI has it (RFC 3720, 12.1).
#ifndef KV_CRC32C_H
#define KV_CRC32C_H

#include "servers/kv/bytes.h"

void crc32c_init(void);

// Goes on with the checksum of what came before; 0 at first.
uint32_t crc32c(uint32_t before, const void *bytes, size_t size);

#endif
