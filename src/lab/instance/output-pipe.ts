import { closeSync, readSync } from "node:fs";

const CHUNK_BYTES = 16384;
const KEPT_BYTES_MAX = 2 ** 20;

/** The read end of a program's output: non-blocking, emptied whenever `take` is called. */
export class OutputPipe {
  readonly descriptor: number;
  readonly #kept: Buffer[] = [];
  #bytes = 0;
  #open = true;
  #firstByteNs: bigint | undefined;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** Whether more can come. */
  get open(): boolean {
    return this.#open;
  }

  /** When the first byte was taken, by `process.hrtime`. */
  get firstByteNs(): bigint | undefined {
    return this.#firstByteNs;
  }

  /** All that was taken, at most the first MiB. */
  get text(): string {
    return Buffer.concat(this.#kept).toString("utf8");
  }

  /** Takes what is there. */
  take(): void {
    while (this.#open) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = readAvailable(this.descriptor, chunk);
      if (count === undefined) return;
      if (count === 0) this.close();
      else this.#keep(chunk.subarray(0, count));
    }
  }

  close(): void {
    if (this.#open) closeSync(this.descriptor);
    this.#open = false;
  }

  #keep(bytes: Buffer): void {
    this.#firstByteNs ??= process.hrtime.bigint();
    if (this.#bytes < KEPT_BYTES_MAX) this.#kept.push(bytes);
    this.#bytes += bytes.length;
  }
}

/** Bytes read, 0 at the end; undefined where nothing is there yet. */
function readAvailable(descriptor: number, chunk: Buffer): number | undefined {
  try {
    return readSync(descriptor, chunk);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined;
    throw error;
  }
}
