import type { Pair } from "./blocks.ts";
import { looksHad, ranksAtLooks } from "./looks.ts";
import { ascending, median } from "./order.ts";

/** The range that covers the truth in 95 of 100 runs, all looks of each included. */
export type Interval = readonly [low: number, high: number];

export interface Estimate {
  /** Median over the blocks of the block's ratio to the baseline; taken on a logarithmic scale. */
  readonly ratio: number;
  /** Undefined where there are too few blocks for one, i.e. fewer than seven. */
  readonly interval: Interval | undefined;
  /** Blocks that it rests on. */
  readonly pairs: number;
}

/**
 * The ratio of a target to its baseline, block by block: what the machine does to a whole block it does to both.
 * @param blocks how many blocks the run has, set-aside ones included: they tell how often it has looked.
 * @returns undefined of no pairs.
 */
export function estimateRatio(pairs: readonly Pair[], blocks: number): Estimate | undefined {
  const counts = looksHad(blocks).map((look) => pairs.filter(({ block }) => block < look).length);
  const logs = pairs.map(({ value, baseline }) => logRatio(value, baseline));
  const middle = median(logs);
  if (middle === undefined) return undefined;
  const interval = intervalAt(logs, ranksAtLooks(counts).at(-1) ?? 0);
  return {
    ratio: Math.exp(middle),
    interval: interval && [Math.exp(interval[0]), Math.exp(interval[1])],
    pairs: pairs.length,
  };
}

/**
 * The middle of a group and its interval in the group's own unit, as of data that is looked at once.
 * @returns undefined of no values.
 */
export function estimateMedian(
  values: readonly number[],
): { readonly median: number; readonly interval: Interval | undefined } | undefined {
  const middle = median(values);
  if (middle === undefined) return undefined;
  return { median: middle, interval: intervalAt(values, ranksAtLooks([values.length])[0] ?? 0) };
}

/** From the rank-th smallest to the rank-th largest; undefined for rank 0. */
function intervalAt(values: readonly number[], rank: number): Interval | undefined {
  const sorted = ascending(values);
  const low = sorted[rank - 1];
  const high = sorted[sorted.length - rank];
  return low === undefined || high === undefined ? undefined : [low, high];
}

/** Two zeros are alike; a zero alone is infinitely far away, which a rank can bear. */
function logRatio(value: number, baseline: number): number {
  return value === baseline ? 0 : Math.log(value) - Math.log(baseline);
}
