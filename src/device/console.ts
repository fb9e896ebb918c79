import type { DeviceBuffer } from "./buffer.ts";

/** Where a guest's text goes. */
export interface Console {
  /** Takes all of it. The bytes are the guest's: good until the call returns. */
  write(text: DeviceBuffer): void;
}

/** A console that keeps what was written. */
export class MemoryConsole implements Console {
  readonly #chunks: Uint8Array[] = [];

  write({ bytes }: DeviceBuffer): void {
    this.#chunks.push(bytes.slice());
  }

  get text(): string {
    const decoder = new TextDecoder();
    return this.#chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
  }
}
