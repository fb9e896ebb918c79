import type { Sample } from "../sample.ts";

/** What the usable samples of one row of one block gave. */
export interface Pair {
  readonly block: number;
  readonly value: number;
  readonly baseline: number;
}

/** One target's metric block by block beside its baseline. */
export interface Series {
  /** In the blocks' order; a block that lacks either side has none. */
  readonly pairs: readonly Pair[];
  /** Blocks in which the target was tried. */
  readonly blocks: number;
  /** Blocks set aside because a declared signal was seen on either side. */
  readonly setAside: number;
  /** Blocks without a usable number of the target. */
  readonly failed: number;
  /** Blocks whose baseline has no usable number although the target has. */
  readonly withoutBaseline: number;
}

export interface SeriesOf {
  readonly workload: string;
  readonly metric: string;
  readonly target: string;
  /** The baseline's second measurement, as the target; then `target` is the baseline. */
  readonly again: boolean;
  readonly baseline: string;
}

/** The samples that count: of each block those of its highest attempt. */
export function lastAttempts(samples: readonly Sample[]): Sample[] {
  const highest = new Map<string, number>();
  for (const { workload, block, attempt } of samples) {
    const key = `${workload} ${block}`;
    highest.set(key, Math.max(attempt, highest.get(key) ?? 0));
  }
  return samples.filter(({ workload, block, attempt }) => attempt === highest.get(`${workload} ${block}`));
}

/**
 * Puts each block's number of a target beside the same block's of the baseline.
 * @param samples as `lastAttempts` gives them.
 */
export function seriesOf(samples: readonly Sample[], of: SeriesOf): Series {
  const mine = rowByBlock(samples, of.workload, of.target, of.again);
  const baselines = rowByBlock(samples, of.workload, of.baseline, false);
  const pairs: Pair[] = [];
  let [setAside, failed, withoutBaseline] = [0, 0, 0];
  for (const [block, sample] of [...mine].sort(([a], [b]) => a - b)) {
    const beside = baselines.get(block);
    const value = usable(sample, of.metric);
    const baseline = usable(beside, of.metric);
    if (value === undefined) failed++;
    else if (sample.signals.length > 0 || (beside?.signals.length ?? 0) > 0) setAside++;
    else if (baseline === undefined) withoutBaseline++;
    else pairs.push({ block, value, baseline });
  }
  return { pairs, blocks: mine.size, setAside, failed, withoutBaseline };
}

function rowByBlock(samples: readonly Sample[], workload: string, target: string, again: boolean): Map<number, Sample> {
  const row = samples.filter((s) => s.workload === workload && s.target === target && s.again === again);
  return new Map(row.map((sample) => [sample.block, sample]));
}

/** A ratio needs numbers that are finite and not negative. */
function usable(sample: Sample | undefined, metric: string): number | undefined {
  const value = sample?.values?.[metric];
  return value !== undefined && Number.isFinite(value) && value >= 0 ? value : undefined;
}
