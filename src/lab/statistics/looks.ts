/** Numbers of blocks at which a run looks at its intervals, and may stop. Nothing else may make it stop but its budget. */
export const LOOKS: readonly number[] = [10, 15, 20, 30];

/**
 * The chance of having missed the true median at any look so far, that may be spent up to each look. 5 % in all. The
 * shares are chosen so that the ranks come out as 2, 3, 5 and 9: among the tightest that 5 % allows at each of the looks.
 */
const SPENT_UP_TO: readonly number[] = [0.025, 0.03, 0.035, 0.05];

/**
 * The looks that a run with this many complete blocks has had. Blocks beyond the last preset look that was reached make
 * one more look: the run was ended by its budget or its user, and takes that in place of its next one.
 */
export function looksHad(blocks: number): number[] {
  const preset = LOOKS.filter((look) => look <= blocks);
  if (blocks === 0 || preset.at(-1) === blocks || preset.length === LOOKS.length) return preset;
  return [...preset, blocks];
}

/**
 * Ranks of the order statistics that bound the median at each of several looks at growing data: at a look with n values
 * and rank k the interval goes from the k-th smallest to the k-th largest.
 *
 * The number of values below the median of a continuous distribution is binomial with one half, and from look to look a
 * random walk. So the probability that the median has been outside the interval at any look is known exactly, whatever the
 * distribution; ties only lower it. Each look gets the highest rank that keeps it within what may be spent up to there.
 * Because no look may miss, the rule by which a run stops does not matter.
 *
 * @param counts values at each look, never decreasing.
 * @returns for each look its rank, from 1; 0 where there are too few values for any interval.
 */
export function ranksAtLooks(counts: readonly number[]): number[] {
  let hits: readonly number[] = [1];
  let missed = 0;
  return counts.map((count, look) => {
    hits = addValues(hits, count - (counts[look - 1] ?? 0));
    const budget = (SPENT_UP_TO[Math.min(look, SPENT_UP_TO.length - 1)] as number) - missed;
    const rank = highestRank(hits, budget);
    missed += missWith(hits, rank);
    hits = hits.map((chance, below) => (misses(below, count, rank) ? 0 : chance));
    return rank;
  });
}

/** The exact probability that intervals with these ranks miss the median at any of the looks. */
export function chanceOfMiss(counts: readonly number[], ranks: readonly number[]): number {
  let hits: readonly number[] = [1];
  let missed = 0;
  counts.forEach((count, look) => {
    const rank = ranks[look] ?? 0;
    hits = addValues(hits, count - (counts[look - 1] ?? 0));
    missed += missWith(hits, rank);
    hits = hits.map((chance, below) => (misses(below, count, rank) ? 0 : chance));
  });
  return missed;
}

/** One more toss for each new value: from chances of the number of values below the median to those of the next number. */
function addValues(hits: readonly number[], more: number): readonly number[] {
  if (!Number.isInteger(more) || more < 0) throw new RangeError("the number of values must not fall from look to look");
  let chances = hits;
  for (let added = 0; added < more; added++) {
    const before = chances;
    chances = Array.from({ length: before.length + 1 }, (_, n) => ((before[n - 1] ?? 0) + (before[n] ?? 0)) / 2);
  }
  return chances;
}

function highestRank(hits: readonly number[], budget: number): number {
  const count = hits.length - 1;
  let rank = 0;
  while (2 * (rank + 1) <= count && missWith(hits, rank + 1) <= budget) rank++;
  return rank;
}

function missWith(hits: readonly number[], rank: number): number {
  return hits.reduce((sum, chance, below) => sum + (misses(below, hits.length - 1, rank) ? chance : 0), 0);
}

function misses(below: number, count: number, rank: number): boolean {
  return below < rank || below > count - rank;
}
