import type { NotRun } from "./manifest.ts";
import type { Meter } from "./meter.ts";
import type { Observer } from "./observer.ts";
import { leastBlocks, type Plan, rowsTooCostly, type TriedRow } from "./plan.ts";
import { significant } from "./statistics/wording.ts";
import { baselineOf, type Candidate, makeReady, mayBeBaseline, notRunRow } from "./survey.ts";
import { type Row, takeSample } from "./take-sample.ts";
import type { Workbench } from "./workbench.ts";

/** What is needed to try rows. */
export interface TryingOptions {
  readonly plan: Plan;
  readonly bench: Workbench;
  readonly meter: Meter;
  readonly observer: Pick<Observer, "trying">;
  readonly signal: AbortSignal;
  /** A clock in milliseconds, and when the run began by it: what came before counts into the budget. */
  readonly now: () => number;
  readonly startedMs: number;
}

/** A row that is ready, with what one sample of it took. */
export interface Tried {
  readonly row: Row;
  readonly tookMs: number;
}

export interface Rows {
  readonly tried: readonly Tried[];
  readonly notRun: readonly NotRun[];
}

/** Of the budget that may be spent before the first block; what was not tried until then is left out. */
const TRYING_SHARE = 0.4;
/** A row whose samples take more than this share of the budget in all is not begun. */
const ROW_SHARE = 0.5;
/** Tried before the others and left out after them: a report is to have at least native and the lightest sandbox. */
const ESSENTIAL = "process";

function isEssential({ workload, found }: Candidate): boolean {
  return mayBeBaseline(workload, found.target.name) || found.target.name === ESSENTIAL;
}

/**
 * Makes every candidate ready and takes one sample that does not count: it warms caches, shows what does not work, and
 * tells how long a sample takes. Then leaves out what does not fit into the budget.
 */
export async function tryRows(candidates: readonly Candidate[], options: TryingOptions): Promise<Rows> {
  const { plan, now, startedMs } = options;
  const limitMs = Math.min(plan.sampleLimitMs, (plan.budgetMs * ROW_SHARE) / leastBlocks(plan));
  const tried = new Map<Candidate, Tried>();
  const notRun = new Map<Candidate, NotRun>();
  const slow = new Map<string, string>();
  for (const candidate of [...candidates.filter(isEssential), ...candidates.filter((one) => !isEssential(one))]) {
    const { workload, found } = candidate;
    const refuse = (reason: string, mend?: string) => notRun.set(candidate, notRunRow(workload, found, reason, mend));
    const before = slow.get(found.target.name);
    if (before !== undefined) {
      refuse(before, MORE_TIME);
      continue;
    }
    const leftMs = startedMs + (isEssential(candidate) ? 1 : TRYING_SHARE) * plan.budgetMs - now();
    if (leftMs <= 0) {
      refuse("the budget left no time to try it", MORE_TIME);
      continue;
    }
    options.observer.trying(workload.name, found.target.name);
    // Without its baseline a workload cannot be measured at all: then there are fewer blocks.
    const isNeeded = mayBeBaseline(workload, found.target.name);
    const longestMs = Math.min(plan.sampleLimitMs, Math.max(limitMs, TRYING_SHARE * leftMs));
    const outcome = await tryRow(candidate, isNeeded ? longestMs : limitMs, options);
    if ("row" in outcome) tried.set(candidate, outcome);
    else refuse(outcome.reason, outcome.isSlow ? MORE_TIME : undefined);
    if ("isSlow" in outcome && outcome.isSlow)
      slow.set(found.target.name, `already ${workload.name} ${outcome.reason}`);
  }
  const rows = candidates.flatMap((candidate) => tried.get(candidate) ?? []);
  const refused = candidates.flatMap((candidate) => notRun.get(candidate) ?? []);
  return leaveOut(rows, refused, candidates, plan, now() - startedMs);
}

const MORE_TIME = "give it time with --budget, e.g. --budget 1h, or ask for fewer --targets and --workloads";

interface Refused {
  readonly reason: string;
  readonly isSlow: boolean;
}

async function tryRow(candidate: Candidate, limitMs: number, options: TryingOptions): Promise<Tried | Refused> {
  const { plan, bench, meter, signal, now } = options;
  const row = await makeReady(candidate, bench);
  if (typeof row === "string") return { reason: row, isSlow: false };
  const taken = await takeSample(row, { bench, meter, scale: plan, limitMs, signal, now });
  if (taken.failure === null) return { row, tookMs: taken.tookMs };
  await row.launcher.close();
  return { reason: taken.failure, isSlow: taken.tookMs >= limitMs };
}

/** Leaves out the costliest rows where the least number of blocks would not fit. */
async function leaveOut(
  tried: readonly Tried[],
  notRun: readonly NotRun[],
  candidates: readonly Candidate[],
  plan: Plan,
  spentMs: number,
): Promise<Rows> {
  const blocks = leastBlocks(plan);
  const costs = tried.map(({ row, tookMs }): TriedRow => ({ workload: row.workload.name, target: row.target, tookMs }));
  const keepLongest = ({ target }: TriedRow) => target === ESSENTIAL;
  const costly = new Set(rowsTooCostly(costs, baselinesOf(tried), blocks, plan.budgetMs - spentMs, keepLongest));
  const kept = tried.filter((_, index) => !costly.has(costs[index] as TriedRow));
  const left = tried.filter((one) => !kept.includes(one));
  for (const { row } of left) await row.launcher.close();
  const reasons = left.flatMap(({ row, tookMs }): NotRun[] => {
    const found = candidates.find(({ found }) => found.target.name === row.target)?.found;
    const seconds = significant(tookMs / 1000);
    const reason = `a sample takes ${seconds} s, and ${blocks} of them would not fit into the budget`;
    return found === undefined ? [] : [notRunRow(row.workload, found, reason, MORE_TIME)];
  });
  return { tried: kept, notRun: [...notRun, ...reasons] };
}

/** The baseline of each workload among the rows that work; where native does not, the first target that does. */
export function baselinesOf(tried: readonly Pick<Tried, "row">[]): Map<string, string> {
  const baselines = new Map<string, string>();
  for (const { row } of tried) {
    const { name } = row.workload;
    const targets = tried.filter((other) => other.row.workload.name === name).map((other) => other.row.target);
    const baseline = baselineOf(row.workload, targets) ?? targets[0];
    if (baseline !== undefined) baselines.set(name, baseline);
  }
  return baselines;
}
