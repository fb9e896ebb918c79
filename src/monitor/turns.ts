/** Longest time for which machines hold the event loop between two of its rounds. */
const ROUND_MS = 4;
const NS_PER_MS = 1e6;

/** Takes a turn of at most so many nanoseconds; whoever wants another one asks for it. */
export type Turn = (sliceNs: number) => void;

/**
 * Shares this thread's event loop among machines: in each of its rounds they take turns for a while, together, and then
 * leave the loop to everything else.
 */
export class Turns {
  static readonly ofThisThread = new Turns();
  readonly #queue: Turn[] = [];
  #isPlanned = false;

  ask(turn: Turn): void {
    this.#queue.push(turn);
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned || this.#queue.length === 0) return;
    this.#isPlanned = true;
    setImmediate(() => this.#round());
  }

  #round(): void {
    this.#isPlanned = false;
    const end = performance.now() + ROUND_MS;
    try {
      for (let left = ROUND_MS; left > 0; left = end - performance.now()) {
        const turn = this.#queue.shift();
        if (turn === undefined) return;
        turn(left * NS_PER_MS);
      }
    } finally {
      this.#plan();
    }
  }
}
