import { seededRandom } from "./random.ts";
import { LOOKS } from "./statistics/looks.ts";
import type { ImageRequest } from "./workload/image.ts";

/** What decides which samples are taken, and in which order; a resumed run has the same. */
export interface Plan {
  readonly seed: number;
  readonly quick: boolean;
  /** Names, in the order of a report. */
  readonly targets: readonly string[];
  readonly workloads: readonly string[];
  /** Of each workload, at most. */
  readonly blocks: number;
  /** For all of a run: looking for targets, trying them, and samples with their starts and stops, resumed ones included. */
  readonly budgetMs: number;
  /** Longest time of one sample. */
  readonly sampleLimitMs: number;
  /** What a sample's timed part should take. */
  readonly sampleMs: number;
  /** Images of the user's own, for the workload `image`; not there without any. */
  readonly image?: ImageRequest;
}

/** What differs between a quick run and a full one where nothing else is asked for. */
export const DEFAULTS = {
  quick: { budgetMs: 160_000, blocks: 10, sampleLimitMs: 8_000, sampleMs: 200 },
  full: { budgetMs: 1_800_000, blocks: LOOKS.at(-1) ?? 30, sampleLimitMs: 60_000, sampleMs: 1_000 },
} as const;

/** Fewer blocks than these are not worth beginning a row for; with fewer asked for, those. */
export function leastBlocks({ blocks }: Plan): number {
  return Math.min(blocks, LOOKS[0] ?? blocks);
}

/** Whether intervals are looked at after so many blocks. */
export function isLook(blocks: number, plan: Plan): boolean {
  return LOOKS.includes(blocks) || blocks === plan.blocks;
}

/** One sample's place in a block. */
export interface Turn {
  readonly target: string;
  /** The baseline's second time. */
  readonly again: boolean;
}

/** A block's order: each target once and the baseline twice, by the seed alone. */
export function blockOrder(
  seed: number,
  place: { readonly workload: string; readonly block: number; readonly attempt: number },
  targets: readonly string[],
  baseline: string,
): Turn[] {
  const turns = [...targets.map((target) => ({ target, again: false })), { target: baseline, again: true }];
  const order = seededRandom(seed, place.workload, place.block, place.attempt).shuffle(turns);
  // Whichever of the baseline's two comes first is the first one: the second tells what time does to it.
  let isFirst = true;
  return order.map(({ target }) => {
    const again = target === baseline && !isFirst;
    if (target === baseline) isFirst = false;
    return { target, again };
  });
}

/** The order of the workloads in one round of blocks. */
export function roundOrder(seed: number, round: number, workloads: readonly string[]): string[] {
  return seededRandom(seed, "round", round).shuffle(workloads);
}

/** A row that was tried, with what one sample of it takes. */
export interface TriedRow {
  readonly workload: string;
  readonly target: string;
  readonly tookMs: number;
}

/**
 * Rows that are left out so that the least number of blocks fits into the time: the costliest first, baselines never.
 * @param baselines by workload: they are measured twice a block.
 * @param keepLongest rows that go after all others.
 */
export function rowsTooCostly(
  rows: readonly TriedRow[],
  baselines: ReadonlyMap<string, string>,
  blocks: number,
  leftMs: number,
  keepLongest: (row: TriedRow) => boolean = () => false,
): TriedRow[] {
  const isBaseline = ({ workload, target }: TriedRow) => baselines.get(workload) === target;
  const blockMs = rows.reduce((sum, row) => sum + row.tookMs * (isBaseline(row) ? 2 : 1), 0);
  let overMs = blockMs * blocks - leftMs;
  const left: TriedRow[] = [];
  const others = rows.filter((row) => !isBaseline(row)).sort((a, b) => b.tookMs - a.tookMs);
  for (const row of [...others.filter((row) => !keepLongest(row)), ...others.filter(keepLongest)]) {
    if (overMs <= 0) break;
    left.push(row);
    overMs -= row.tookMs * blocks;
  }
  return left;
}
