import { median, medianInterval } from "./statistics.ts";

/** Something that can be measured once, giving e.g. nanoseconds. */
export interface Contender {
  readonly name: string;
  readonly measure: () => number;
}

export interface Comparison {
  readonly rounds: number;
  /** By contender: median and its 95 % interval. */
  readonly medians: Readonly<Record<string, { readonly median: number; readonly interval: readonly [number, number] }>>;
  /** Raw samples by contender, in the order of the rounds. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/** A ratio of two contenders, taken round by round: what the machine does to one it does to the other. */
export interface Ratio {
  readonly of: string;
  readonly to: string;
  readonly median: number;
  readonly interval: readonly [number, number];
}

/** Measures every contender once a round, the order turning by one each round. */
export function compare(contenders: readonly Contender[], rounds: number, warmUpRounds: number): Comparison {
  const samples: Record<string, number[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const at = (((round + turn) % contenders.length) + contenders.length) % contenders.length;
      const contender = contenders[at] as Contender;
      const value = contender.measure();
      if (round >= 0) samples[contender.name]?.push(value);
    }
  }
  const medians = Object.fromEntries(
    Object.entries(samples).map(([name, values]) => [
      name,
      { median: median(values), interval: medianInterval(values) },
    ]),
  );
  return { rounds, medians, samples };
}

export function ratio(comparison: Comparison, of: string, to: string): Ratio {
  const numerators = comparison.samples[of] ?? [];
  const denominators = comparison.samples[to] ?? [];
  const ratios = numerators.map((value, round) => value / (denominators[round] ?? Number.NaN));
  return { of, to, median: median(ratios), interval: medianInterval(ratios) };
}
