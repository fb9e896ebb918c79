import { ImageError } from "./error.ts";

/** Formats an address, offset or bit set as its specification writes it, e.g. `0x100000`. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/**
 * A little-endian record inside an image's file: fixed-size fields at fixed offsets.
 * Whoever makes one has checked that the record lies inside the file.
 */
export class FieldReader {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(offset: number): number {
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }
}

/**
 * Turns a 64-bit field into a number.
 * @param limit exclusive; at most 2^53, so that the number is exact.
 * @throws ImageError when the value is not below the limit.
 */
export function toNumber(field: string, value: bigint, limit: number, expected: string): number {
  if (value >= BigInt(limit)) throw new ImageError(field, hex(value), expected);
  return Number(value);
}

/** @throws ImageError when the value is not the only one allowed. */
export function requireValue(field: string, value: number, allowed: number, meaning: string): void {
  if (value !== allowed) throw new ImageError(field, String(value), `${allowed} (${meaning})`);
}
