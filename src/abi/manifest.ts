/**
 * What a tender fills into an image's manifest before the guest reads it (Solo5 v0.12, `include/mft_abi.h`,
 * `struct mft_entry`).
 */

export const MANIFEST_HEADER_BYTES = 8;
export const ENTRY_BYTES = 104;
/** Offsets in an entry; the two kinds of device share their place. */
export const ENTRY = { capacity: 72, blockSize: 80, mac: 72, mtu: 78, hostDescriptor: 88, attached: 96 } as const;

/** Offset of a device's entry from the manifest's first byte. */
export function entryOffset(index: number): number {
  return MANIFEST_HEADER_BYTES + index * ENTRY_BYTES;
}

/** Tells the guest of a block device: marks the entry attached. */
export function fillBlock(manifest: DataView, index: number, capacityBytes: number, blockBytes: number): void {
  const entry = entryOffset(index);
  manifest.setBigUint64(entry + ENTRY.capacity, BigInt(capacityBytes), true);
  manifest.setUint16(entry + ENTRY.blockSize, blockBytes, true);
  manifest.setUint8(entry + ENTRY.attached, 1);
}

/** Tells the guest of a net device: marks the entry attached. */
export function fillNet(manifest: DataView, index: number, mac: Uint8Array, mtu: number): void {
  const entry = entryOffset(index);
  for (const [position, byte] of mac.entries()) manifest.setUint8(entry + ENTRY.mac + position, byte);
  manifest.setUint16(entry + ENTRY.mtu, mtu, true);
  manifest.setUint8(entry + ENTRY.attached, 1);
}
