import { median, medianInterval } from "./statistics.ts";

/** Something that can be measured once, giving e.g. nanoseconds. */
export interface Contender {
  readonly name: string;
  readonly measure: () => number;
}

export interface Comparison {
  readonly rounds: number;
  /** Rounds that do not count: others that were less disturbed do. */
  readonly leftOut: number;
  /** Of those that count, the largest disturbance. */
  readonly disturbance: number;
  /** By contender: median and its 95 % interval. */
  readonly medians: Readonly<Record<string, { readonly median: number; readonly interval: readonly [number, number] }>>;
  /** Raw samples by contender, in the order of the counted rounds. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/** A ratio of two contenders, taken round by round: what the machine does to one it does to the other. */
export interface Ratio {
  readonly of: string;
  readonly to: string;
  readonly median: number;
  readonly interval: readonly [number, number];
}

/** What had a part in a measurement besides the contenders. */
export interface Disturbance {
  /** Of the round that has just ended: a share of one processor, say. */
  readonly take: () => number;
  /** So much does not matter. */
  readonly limit: number;
}

const UNDISTURBED: Disturbance = { take: () => 0, limit: 0 };
/** So many rounds for each that counts, where rounds are disturbed. */
const ROUNDS_FOR_ONE_MAX = 3;

/**
 * Measures every contender once a round, the order turning by one each round. Where rounds are disturbed there are more
 * of them, and the least disturbed count.
 */
export function compare(
  contenders: readonly Contender[],
  rounds: number,
  warmUpRounds: number,
  { take, limit }: Disturbance = UNDISTURBED,
): Comparison {
  const all: { readonly values: ReadonlyMap<string, number>; readonly disturbance: number }[] = [];
  let good = 0;
  for (let round = -warmUpRounds; good < rounds && round < rounds * ROUNDS_FOR_ONE_MAX; round++) {
    const values = new Map(
      contenders.map((_, turn) => {
        const at = (((round + turn) % contenders.length) + contenders.length) % contenders.length;
        const { name, measure } = contenders[at] as Contender;
        return [name, measure()] as const;
      }),
    );
    const disturbance = take();
    if (round < 0) continue;
    all.push({ values, disturbance });
    if (disturbance <= limit) good++;
  }
  const counted = all.toSorted((a, b) => a.disturbance - b.disturbance).slice(0, rounds);
  const samples = Object.fromEntries(
    contenders.map(({ name }) => [name, counted.map(({ values }) => values.get(name) ?? Number.NaN)]),
  );
  const medians = Object.fromEntries(
    Object.entries(samples).map(([name, values]) => [
      name,
      { median: median(values), interval: medianInterval(values) },
    ]),
  );
  const disturbance = Math.max(...counted.map((round) => round.disturbance));
  return { rounds, leftOut: all.length - counted.length, disturbance, medians, samples };
}

export function ratio(comparison: Comparison, of: string, to: string): Ratio {
  const numerators = comparison.samples[of] ?? [];
  const denominators = comparison.samples[to] ?? [];
  const ratios = numerators.map((value, round) => value / (denominators[round] ?? Number.NaN));
  return { of, to, median: median(ratios), interval: medianInterval(ratios) };
}
