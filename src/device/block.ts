import type { DeviceBuffer, Outcome } from "./buffer.ts";

/** What holds a block device's bytes. Offsets are in bytes; both calls move the whole buffer or give false. */
export interface BlockBackend {
  read(offset: number, buffer: DeviceBuffer): boolean;
  write(offset: number, buffer: DeviceBuffer): boolean;
}

/** A block device: one aligned block a request (Solo5 v0.12, `include/solo5.h`, section "Block I/O"). */
export class BlockDevice {
  readonly capacityBytes: number;
  /** A power of two. */
  readonly blockBytes: number;
  readonly #backend: BlockBackend;

  /** @param shape a capacity of whole blocks, at least one. */
  constructor(backend: BlockBackend, shape: { readonly capacityBytes: number; readonly blockBytes: number }) {
    this.#backend = backend;
    this.capacityBytes = shape.capacityBytes;
    this.blockBytes = shape.blockBytes;
  }

  /** Whether a request of a guest, in any two whole numbers, is for one block of the device. */
  isBlock(offset: number, length: number): boolean {
    return (
      length === this.blockBytes && offset % this.blockBytes === 0 && offset <= this.capacityBytes - this.blockBytes
    );
  }

  /** @param offset one that `isBlock` takes. */
  read(offset: number, buffer: DeviceBuffer): Outcome {
    return this.#backend.read(offset, buffer) ? "ok" : "failed";
  }

  /** @param offset one that `isBlock` takes. */
  write(offset: number, buffer: DeviceBuffer): Outcome {
    return this.#backend.write(offset, buffer) ? "ok" : "failed";
  }
}

/** Blocks in memory. */
export class MemoryBlocks implements BlockBackend {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  read(offset: number, { bytes }: DeviceBuffer): boolean {
    bytes.set(this.bytes.subarray(offset, offset + bytes.length));
    return true;
  }

  write(offset: number, { bytes }: DeviceBuffer): boolean {
    this.bytes.set(bytes, offset);
    return true;
  }
}
