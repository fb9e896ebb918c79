import type { Estimate, Interval } from "./estimate.ts";

/** What can be said of a target's metric against the baseline's. */
export type Verdict = "cost" | "gain" | "none" | "inconclusive";

/** No difference below this share is called one, however quiet the machine. */
export const LEAST_DIFFERENCE = 0.02;

/** Where the machine's noise alone is above this share, "no measurable cost" would say nothing, and is not said. */
export const LOUDEST_NOISE = 0.05;

/**
 * How large a difference this machine shows between native and native: the far end of that pair's interval, as a share.
 * @param again the estimate of the baseline's second measurement against its first.
 * @returns undefined where there is no interval of it; then nothing can be judged.
 */
export function noiseFloor(again: Estimate | undefined): number | undefined {
  if (again?.interval === undefined) return undefined;
  return Math.max(...again.interval.map((ratio) => Math.exp(Math.abs(Math.log(ratio))) - 1));
}

/** What a difference must exceed, as a share: 0.02, or the noise where that is more. */
export function threshold(noise: number): number {
  return Math.max(LEAST_DIFFERENCE, noise);
}

/**
 * Judges only what lies outside the noise with its whole interval, or within with its whole interval.
 * @param noise as `noiseFloor` gives it.
 */
export function judge(interval: Interval | undefined, better: "lower" | "higher", noise: number | undefined): Verdict {
  if (interval === undefined || noise === undefined) return "inconclusive";
  const limit = threshold(noise);
  const [low, high] = better === "lower" ? interval : [1 / interval[1], 1 / interval[0]];
  if (low > 1 + limit) return "cost";
  if (high < 1 / (1 + limit)) return "gain";
  return limit <= LOUDEST_NOISE && low >= 1 / (1 + limit) && high <= 1 + limit ? "none" : "inconclusive";
}

/** Whether more blocks would tell no more: the verdict stands, and the interval is narrow against what it says. */
export function isSettled(
  estimate: Estimate | undefined,
  better: "lower" | "higher",
  noise: number | undefined,
): boolean {
  const interval = estimate?.interval;
  if (interval === undefined || judge(interval, better, noise) === "inconclusive") return false;
  const width = Math.log(interval[1]) - Math.log(interval[0]);
  const effect = Math.abs(Math.log(interval[0]) + Math.log(interval[1])) / 2;
  return width <= Math.max(2 * LEAST_DIFFERENCE, effect / 4);
}
