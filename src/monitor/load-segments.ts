import type { Engine } from "../engine/engine.ts";
import type { Segment } from "../format/image.ts";
import { guestAddress } from "../memory/address.ts";

type Loaded = Pick<Engine, "memory" | "instructionsWritten">;

/** Copied between two looks at the clock: less than a millisecond, the host's giving of pages included. */
const BYTES_AT_ONCE = 2 ** 18;

/** Copies segments into a guest's memory, in as many parts as its caller's patience asks for. */
export class SegmentLoader {
  readonly #engine: Loaded;
  readonly #segments: readonly Segment[];
  /** The segment that is being copied, and how much of it is done. */
  #place = 0;
  #doneBytes = 0;

  constructor(engine: Loaded, segments: readonly Segment[]) {
    this.#engine = engine;
    this.#segments = segments;
  }

  get isDone(): boolean {
    return this.#place === this.#segments.length;
  }

  /** Goes on until all is copied, or `performance.now` is behind `endMs`; at least one part. */
  goOn(endMs = Number.POSITIVE_INFINITY): void {
    while (!this.isDone) {
      this.#copyPart();
      if (performance.now() >= endMs) return;
    }
  }

  #copyPart(): void {
    const segment = this.#segments[this.#place];
    if (segment === undefined) return;
    const { content, rights } = segment;
    const address = guestAddress(segment.address + this.#doneBytes);
    const part = content.subarray(this.#doneBytes, this.#doneBytes + BYTES_AT_ONCE);
    this.#engine.memory.own(address, part.length).bytes.set(part);
    if (rights.execute) this.#engine.instructionsWritten(address, part.length);
    this.#doneBytes += part.length;
    if (this.#doneBytes < content.length) return;
    this.#place++;
    this.#doneBytes = 0;
  }
}
