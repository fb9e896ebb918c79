import type { GuestAddress, HostAddress } from "./address.ts";

const TWO_POW_32 = 2 ** 32;

/**
 * A guest's memory: one range of addresses from 0 on, in bytes of this process.
 *
 * A guest's pointer becomes bytes by `range`, and by no other way.
 */
export class GuestMemory {
  readonly sizeBytes: number;
  /** Where address 0 lies in this process; undefined where the engine's memory has no address. */
  readonly hostAddress: HostAddress | undefined;
  readonly #view: DataView;

  constructor(memory: ArrayBufferLike | DataView, address?: HostAddress) {
    this.#view = memory instanceof DataView ? memory : new DataView(memory);
    this.sizeBytes = this.#view.byteLength;
    this.hostAddress = address;
  }

  /**
   * Checks a pointer and a length that a guest gave.
   * @param pointer a whole number of any size, as `GuestRange.u64` reads it; the same for `length`.
   * @returns the bytes; undefined where any of them lies outside the guest's memory.
   */
  range(pointer: number, length: number): GuestRange | undefined {
    // No sum, which could overflow what a number holds exactly.
    if (!(pointer >= 0 && length >= 0 && pointer <= this.sizeBytes && length <= this.sizeBytes - pointer)) {
      return undefined;
    }
    return new GuestRange(this, this.#view, pointer as GuestAddress, length);
  }

  /** Bytes at an address of Skiff's own choice. @throws RangeError where they are not all inside: a defect of the caller's. */
  own(address: GuestAddress, length: number): GuestRange {
    const range = this.range(address, length);
    if (range === undefined)
      throw new RangeError(`${length} bytes at 0x${address.toString(16)} lie outside the memory`);
    return range;
  }
}

/** Bytes of a guest's memory, known to be inside it. Offsets below are Skiff's own, inside `length`. */
export class GuestRange {
  readonly address: GuestAddress;
  readonly length: number;
  readonly #memory: GuestMemory;
  readonly #view: DataView;

  constructor(memory: GuestMemory, view: DataView, address: GuestAddress, length: number) {
    this.#memory = memory;
    this.#view = view;
    this.address = address;
    this.length = length;
  }

  /** So many of the bytes from an offset on, cut to what there is. */
  part(offset: number, length: number): GuestRange {
    const start = Math.min(offset, this.length);
    const address = (this.address + start) as GuestAddress;
    return new GuestRange(this.#memory, this.#view, address, Math.min(length, this.length - start));
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.address, this.length);
  }

  /** Address of the first byte in this process; undefined where the memory has none. */
  get hostAddress(): HostAddress | undefined {
    const base = this.#memory.hostAddress;
    return base === undefined ? undefined : ((base + BigInt(this.address)) as HostAddress);
  }

  u32(offset: number): number {
    return this.#view.getUint32(this.address + offset, true);
  }

  i32(offset: number): number {
    return this.#view.getInt32(this.address + offset, true);
  }

  /** A 64-bit number: exact below 2^53, and from there on some number of at least 2^53. */
  u64(offset: number): number {
    const at = this.address + offset;
    return this.#view.getUint32(at + 4, true) * TWO_POW_32 + this.#view.getUint32(at, true);
  }

  bigU64(offset: number): bigint {
    return this.#view.getBigUint64(this.address + offset, true);
  }

  setI32(offset: number, value: number): void {
    this.#view.setInt32(this.address + offset, value, true);
  }

  setU64(offset: number, value: bigint): void {
    this.#view.setBigUint64(this.address + offset, value, true);
  }
}
