import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Turns } from "../../src/monitor/turns.ts";

const ROUND_MS = 4;
const NS_PER_MS = 1e6;

describe("turns on an event loop whose time the test makes", () => {
  let nowMs = 0;
  beforeEach(() => void vi.spyOn(performance, "now").mockImplementation(() => nowMs));
  afterEach(() => void vi.restoreAllMocks());

  /** Somebody who asks for turn after turn, so many in all, and uses such a part of each; keeps what it was given. */
  function asker(turns: Turns, part: number, count: number) {
    const slicesMs: number[] = [];
    const turn = (sliceNs: number) => {
      slicesMs.push(sliceNs / NS_PER_MS);
      nowMs += (sliceNs * part) / NS_PER_MS;
      if (slicesMs.length < count) turns.ask(turn);
    };
    turns.ask(turn);
    return slicesMs;
  }

  it("take no longer than a round together, and then leave the loop to others", async () => {
    const turns = new Turns();
    const askers = [0.25, 0.5, 1].map((part) => asker(turns, part, 20));
    let rounds = 0;
    for (; askers.some((slicesMs) => slicesMs.length < 20); rounds++) {
      const start = nowMs;
      await setImmediate();
      expect(nowMs - start).toBeLessThanOrEqual(ROUND_MS);
    }
    expect(rounds).toBeGreaterThanOrEqual(20);
    for (const slicesMs of askers) {
      expect(Math.max(...slicesMs)).toBeLessThanOrEqual(ROUND_MS);
      expect(Math.min(...slicesMs)).toBeGreaterThan(0);
    }
  });

  it("come in the order in which they were asked for", async () => {
    const turns = new Turns();
    const askers = Array.from({ length: 7 }, () => asker(turns, 1, 3));
    for (let round = 1; round <= 21; round++) {
      await setImmediate();
      // Each uses a whole round.
      expect(askers.map(({ length }) => length)).toEqual(askers.map((_, place) => Math.floor((round + 6 - place) / 7)));
    }
    expect(new Set(askers.flat())).toEqual(new Set([ROUND_MS]));
  });

  it("ask nothing of the loop while nobody wants one", async () => {
    const immediate = vi.spyOn(globalThis, "setImmediate");
    const turns = new Turns();
    const slicesMs = asker(turns, 1, 2);
    for (let round = 0; round < 5; round++) await setImmediate();
    expect(slicesMs.length).toBe(2);
    expect(immediate).toHaveBeenCalledTimes(2);
  });
});
