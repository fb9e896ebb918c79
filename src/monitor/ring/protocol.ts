/** What the network rings' thread and the threads that run guests say to each other. */

/** Given to the thread as it starts. */
export interface RingThreadData {
  /** A file of Skiff's, by which the thread finds Skiff's packages. */
  readonly requireFrom: string;
  /** `CONTROL` words. */
  readonly control: Int32Array<SharedArrayBuffer>;
  /** An event descriptor that says that commands wait. Nobody waits for their being obeyed. */
  readonly wake: number;
}

/** What the thread does, and the kernel's number of it. */
export const CONTROL = { state: 0, thread: 1, words: 2 } as const;
export const STATE = { starting: 0, running: 1, ended: 2 } as const;

/** A ring to serve. Descriptors are of this process. */
export interface RingParts {
  /** The guest's memory; it must stay until the record was closed, and so must the descriptors. */
  readonly memoryAddress: bigint;
  readonly memoryBytes: number;
  readonly devices: readonly {
    readonly index: number;
    readonly descriptor: number;
    readonly mac: Uint8Array;
    readonly mtu: number;
  }[];
  /** The event descriptor that the guest's doorbell signals. */
  readonly doorbell: number;
  /** The thread that runs the guest, as `interrupt` takes it. */
  readonly guestThread: number;
  /** A `RingRecord`'s. */
  readonly record: SharedArrayBuffer;
}

export type RingCommand =
  | { readonly type: "add"; readonly id: number; readonly ring: RingParts }
  | { readonly type: "remove"; readonly id: number }
  | { readonly type: "end" };

const COUNTS = { requests: 0, bells: 1 } as const;
const COUNTS_BYTES = 2 * Float64Array.BYTES_PER_ELEMENT;
const WORDS = { textBytes: 0, use: 1, isLost: 2, count: 3 } as const;
const TEXT = COUNTS_BYTES + WORDS.count * Int32Array.BYTES_PER_ELEMENT;
const TEXT_BYTES_MAX = 256;
const USE = { none: 0, served: 1, closed: 2 } as const;
const LOOK_AGAIN_MS = 1;

/** What both threads know of a ring. */
export class RingRecord {
  readonly buffer: SharedArrayBuffer;
  readonly #counts: Float64Array;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(TEXT + TEXT_BYTES_MAX)) {
    this.buffer = buffer;
    this.#counts = new Float64Array(buffer, 0, 2);
    this.#words = new Int32Array(buffer, COUNTS_BYTES, WORDS.count);
  }

  /**
   * The serving thread, before it touches the guest's memory and descriptors; `leave` afterwards, soon.
   * @returns false where the ring is closed.
   */
  enter(): boolean {
    return Atomics.compareExchange(this.#words, WORDS.use, USE.none, USE.served) === USE.none;
  }

  leave(): void {
    Atomics.store(this.#words, WORDS.use, USE.none);
  }

  /** The guest's thread: once it returns, nobody enters any more. @param isServed whether there is a thread that will leave. */
  close(isServed: () => boolean): void {
    while (Atomics.compareExchange(this.#words, WORDS.use, USE.none, USE.closed) === USE.served) {
      Atomics.wait(this.#words, WORDS.use, USE.served, LOOK_AGAIN_MS);
      if (!isServed()) Atomics.store(this.#words, WORDS.use, USE.closed);
    }
  }

  /** How many requests were served. */
  get requests(): number {
    return this.#counts[COUNTS.requests] ?? 0;
  }

  /** How often the guest rang. */
  get bells(): number {
    return this.#counts[COUNTS.bells] ?? 0;
  }

  count(name: keyof typeof COUNTS, more: number): void {
    this.#counts[COUNTS[name]] = (this.#counts[COUNTS[name]] ?? 0) + more;
  }

  /** What the guest did that it cannot go on with: the rest of a sentence whose subject it is. */
  get broken(): string | undefined {
    return Atomics.load(this.#words, WORDS.isLost) === 0 ? this.#text() : undefined;
  }

  /** A line that says why nobody serves the ring any more. */
  get lost(): string | undefined {
    return Atomics.load(this.#words, WORDS.isLost) === 0 ? undefined : this.#text();
  }

  /** @param reason as `broken` has it, not empty. */
  break(reason: string): void {
    this.#write(reason);
  }

  /** @param reason why the thread ended, not empty. */
  lose(reason: string): void {
    Atomics.store(this.#words, WORDS.isLost, 1);
    this.#write(`the thread of the network rings has ended: ${reason}; start the guest again`);
  }

  #text(): string | undefined {
    const bytes = Atomics.load(this.#words, WORDS.textBytes);
    // A decoder takes no shared memory.
    return bytes === 0 ? undefined : new TextDecoder().decode(new Uint8Array(this.buffer, TEXT, bytes).slice());
  }

  #write(text: string): void {
    const bytes = new TextEncoder().encode(text).subarray(0, TEXT_BYTES_MAX);
    new Uint8Array(this.buffer, TEXT).set(bytes);
    Atomics.store(this.#words, WORDS.textBytes, bytes.length);
  }
}
