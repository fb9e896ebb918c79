/** So long a ring is polled in vain before it sleeps: longer than a guest needs for its next frame, emulated ones too. */
const WINDOW_MS = 0.5;
/** A round of polling takes some microseconds: one that took so long lost the processor, for which there are others. */
const LOST_MS = 0.1;
/**
 * Polling that lost a time, and soon does so again, is not tried for so many of it, more each time. Once is nothing: a
 * guest that has sent all, or a blip of the host's.
 */
const FACTOR_MIN = 4;
const FACTOR_MAX = 64;
const SOON_MS = 20;
const PAUSE_MAX_MS = 200;

/**
 * How long the thread polls its rings before it sleeps. Polling saves a guest its doorbell and the thread's waking, where
 * there is a processor for both. Where there is none it takes the guest's, and where nothing comes it is for nothing:
 * there it is tried ever more seldom.
 */
export class Polling {
  /** When the last round was, where it found nothing and rings are awake. */
  #idleMs: number | undefined;
  #factor = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  /** Before a round over the rings that are awake. @returns how long one may have had nothing. */
  begin(nowMs: number): number {
    const roundMs = this.#idleMs === undefined ? 0 : nowMs - this.#idleMs;
    if (roundMs > LOST_MS) this.#pause(nowMs, roundMs);
    return nowMs < this.#pausedUntilMs ? 0 : WINDOW_MS;
  }

  /**
   * After it.
   * @param nowMs as `begin` had it.
   * @param served how many requests were found.
   * @param isLast whether no ring is awake any more.
   */
  end(nowMs: number, served: number, isLast: boolean): void {
    this.#idleMs = served === 0 && !isLast ? nowMs : undefined;
    if (isLast) this.#pause(nowMs, WINDOW_MS);
  }

  #pause(nowMs: number, lostMs: number): void {
    const polledMs = nowMs - this.#pausedUntilMs;
    if (polledMs < 0) return;
    this.#factor = polledMs < SOON_MS ? Math.min(Math.max(2 * this.#factor, FACTOR_MIN), FACTOR_MAX) : 0;
    this.#pausedUntilMs = nowMs + Math.min(this.#factor * lostMs, PAUSE_MAX_MS);
  }
}
