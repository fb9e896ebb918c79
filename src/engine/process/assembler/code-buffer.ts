import type { Label } from "./assembler.ts";

/** Writes into `code` what a reference at `at` needs once its target is known; both are byte offsets. */
export type Patch = (code: DataView, at: number, target: number, address: bigint) => void;

interface Reference {
  readonly at: number;
  readonly label: Label;
  readonly patch: Patch;
}

/** Growing code with labels: what the assemblers of all architectures share. */
export class CodeBuffer {
  #bytes: number[] = [];
  readonly #offsets = new Map<Label, number>();
  readonly #references: Reference[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  emit(...bytes: readonly number[]): void {
    this.#bytes.push(...bytes);
  }

  emit32(value: number): void {
    this.emit(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
  }

  emit64(value: bigint): void {
    this.emit32(Number(value & 0xffff_ffffn));
    this.emit32(Number((value >> 32n) & 0xffff_ffffn));
  }

  append(bytes: Uint8Array, alignBytes: number): void {
    while (this.#bytes.length % alignBytes !== 0) this.#bytes.push(0);
    for (const byte of bytes) this.#bytes.push(byte);
  }

  appendAddress(label: Label): void {
    this.append(new Uint8Array(0), 8);
    this.refer(label, (code, at, target, address) => code.setBigUint64(at, address + BigInt(target), true));
    this.emit64(0n);
  }

  place(label: Label): void {
    if (this.#offsets.has(label)) throw new RangeError(`label ${label.name} is placed twice`);
    this.#offsets.set(label, this.#bytes.length);
  }

  /** Notes that the bytes emitted next refer to `label`. */
  refer(label: Label, patch: Patch): void {
    this.#references.push({ at: this.#bytes.length, label, patch });
  }

  offsetOf(label: Label): number {
    const offset = this.#offsets.get(label);
    if (offset === undefined) throw new RangeError(`label ${label.name} is not placed`);
    return offset;
  }

  finish(address: bigint): Uint8Array {
    const code = Uint8Array.from(this.#bytes);
    const view = new DataView(code.buffer);
    for (const { at, label, patch } of this.#references) patch(view, at, this.offsetOf(label), address);
    return code;
  }
}
