import { describe, expect, test } from "vitest";
import { Polling } from "../../../src/monitor/ring/polling.ts";

/** One ring, polled on a clock of the test's. */
class Poller {
  nowMs = 1000;
  readonly #polling = new Polling();

  /** A round. @returns how long a ring may have had nothing. */
  round({ tookMs = 0.001, served = 0, sleeps = false }): number {
    const windowMs = this.#polling.begin(this.nowMs);
    this.#polling.end(this.nowMs, served, sleeps);
    this.nowMs += tookMs;
    return windowMs;
  }

  /** A bell rings, and one request is served. @returns whether the ring was polled in vain before it slept. */
  bell(): boolean {
    const windowMs = this.round({ served: 1 });
    if (windowMs > 0) this.nowMs += windowMs;
    this.round({ sleeps: true });
    return windowMs > 0;
  }
}

describe("polling", () => {
  test("goes on as long as requests come", () => {
    const poller = new Poller();
    const windows = new Set<number>();
    for (let frame = 0; frame < 1000; frame++) {
      windows.add(poller.round({ served: 1 }));
      for (let round = 0; round < 50; round++) windows.add(poller.round({}));
    }
    expect([...windows]).toEqual([expect.any(Number)]);
    expect([...windows][0]).toBeGreaterThan(0.1);
  });

  test("that found nothing is tried ever more seldom: a guest that shares the processor is not held up by it", () => {
    const poller = new Poller();
    const bells = 10_000;
    let polled = 0;
    for (let bell = 0; bell < bells; bell++) {
      if (poller.bell()) polled++;
      poller.nowMs += 0.05;
    }
    expect(polled).toBeGreaterThan(10);
    expect(polled).toBeLessThan(bells / 100);
  });

  test("that lost the processor twice stops for longer than it lost it, and then is tried again", () => {
    const poller = new Poller();
    poller.round({ served: 1 });
    poller.round({ tookMs: 3 });
    expect(poller.round({ served: 1 })).toBeGreaterThan(0.1);
    poller.round({ tookMs: 3 });
    expect(poller.round({})).toBe(0);
    poller.nowMs += 3;
    expect(poller.round({ served: 1 })).toBe(0);
    poller.nowMs += 200;
    expect(poller.round({ served: 1 })).toBeGreaterThan(0.1);
  });

  test("takes neither sleep nor serving for a lost processor", () => {
    const poller = new Poller();
    poller.round({ served: 64, tookMs: 5 });
    expect(poller.round({ served: 1 })).toBeGreaterThan(0.1);
    poller.round({ sleeps: true, tookMs: 10_000 });
    expect(poller.round({ served: 1 })).toBeGreaterThan(0.1);
  });
});
