/** What the benchmark computes of the guests' lines. */
import { median } from "../support/statistics.ts";
import type { Repeat } from "./kernels.ts";

/** A guest's first repeat, in which an emulator translates, does not count where there are others. */
export function steadyNsPerRound(repeats: readonly [Repeat, ...Repeat[]]): number {
  const [first, ...others] = repeats;
  return median((others.length > 0 ? others : [first]).map(({ ns, rounds }) => ns / rounds));
}

/** When a guest was first as fast as half of its last quarter's speed, and stayed so for the next repeat. */
export function timeToHalfSpeedNs(repeats: readonly [Repeat, ...Repeat[]]): number {
  const [first] = repeats;
  const finalNs = median(repeats.slice(-Math.ceil(repeats.length / 4)).map(({ ns }) => ns));
  const isFast = ({ ns }: Repeat) => ns <= 2 * finalNs;
  const found = repeats.find((repeat, index) => isFast(repeat) && isFast(repeats[index + 1] ?? repeat));
  // The last quarter has repeats that are at its median or faster, but maybe no two in a row.
  return (found ?? repeats.at(-1) ?? first).atNs;
}

/** Rounds that take so long. @param timeNs of a number of rounds, by a runner that does not warm up. */
export function roundsFor(targetNs: number, timeNs: (rounds: number) => number): number {
  const enoughNs = targetNs / 8;
  for (let rounds = 1; ; rounds *= 4) {
    const ns = timeNs(rounds);
    if (ns >= enoughNs) return Math.max(1, Math.round((rounds * targetNs) / ns));
  }
}

/** Rounds, or fewer where they take too long. @param excess how often too long a number of rounds takes. */
export function fewerRounds(rounds: number, excess: (rounds: number) => number): number {
  return Math.max(1, Math.round(rounds / Math.max(1, excess(rounds))));
}
