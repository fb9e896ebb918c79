import { median, medianInterval } from "./statistics.ts";

/** Something that can be measured once, giving e.g. nanoseconds. */
export interface Contender {
  readonly name: string;
  readonly measure: () => number;
}

export interface Comparison {
  readonly rounds: number;
  /** Rounds that were disturbed, and were measured again. */
  readonly repeated: number;
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

/** So many disturbed rounds for each that counts; where there are more, they count too. */
const REPEATS_MAX = 4;

/**
 * Measures every contender once a round, the order turning by one each round.
 * @param wasDisturbed whether something else had a part in the round; where it says so the round is measured again.
 */
export function compare(
  contenders: readonly Contender[],
  rounds: number,
  warmUpRounds: number,
  wasDisturbed: () => boolean = () => false,
): Comparison {
  const samples: Record<string, number[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  let repeated = 0;
  for (let round = -warmUpRounds; round < rounds; ) {
    const values = contenders.map((_, turn) => {
      const at = (((round + repeated + turn) % contenders.length) + contenders.length) % contenders.length;
      const { name, measure } = contenders[at] as Contender;
      return [name, measure()] as const;
    });
    if (wasDisturbed() && round >= 0 && repeated < rounds * REPEATS_MAX) {
      repeated++;
      continue;
    }
    for (const [name, value] of round < 0 ? [] : values) samples[name]?.push(value);
    round++;
  }
  const medians = Object.fromEntries(
    Object.entries(samples).map(([name, values]) => [
      name,
      { median: median(values), interval: medianInterval(values) },
    ]),
  );
  return { rounds, repeated, medians, samples };
}

export function ratio(comparison: Comparison, of: string, to: string): Ratio {
  const numerators = comparison.samples[of] ?? [];
  const denominators = comparison.samples[to] ?? [];
  const ratios = numerators.map((value, round) => value / (denominators[round] ?? Number.NaN));
  return { of, to, median: median(ratios), interval: medianInterval(ratios) };
}
