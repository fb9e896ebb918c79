import type { Ending, RunManifest, WorkloadRecord } from "./manifest.ts";
import type { Meter } from "./meter.ts";
import type { Observer, Progress } from "./observer.ts";
import { blockOrder, isLook, type Plan, roundOrder, type Turn } from "./plan.ts";
import type { ResultFolder } from "./result-folder.ts";
import type { Sample } from "./sample.ts";
import { lastAttempts, seriesOf } from "./statistics/blocks.ts";
import { estimateRatio } from "./statistics/estimate.ts";
import { isSettled, noiseFloor } from "./statistics/verdict.ts";
import { type Row, takeSample } from "./take-sample.ts";
import type { Workbench } from "./workbench.ts";

export interface MeasureOptions {
  readonly plan: Plan;
  readonly workloads: readonly WorkloadRecord[];
  readonly rows: readonly Row[];
  /** Of an earlier run that this one goes on with. */
  readonly samples: readonly Sample[];
  /** When this run began, by `now`: what came before the first block counts into the budget. */
  readonly startedMs: number;
  /** What a sample of a row takes at first, by `keyOf`. */
  readonly tookMs: ReadonlyMap<string, number>;
  readonly bench: Workbench;
  readonly meter: Meter;
  readonly folder: Pick<ResultFolder, "append">;
  readonly observer: Observer;
  readonly signal: AbortSignal;
  /** A clock in milliseconds. */
  readonly now: () => number;
}

export function keyOf({ workload, target }: { readonly workload: string; readonly target: string }): string {
  return `${workload} ${target}`;
}

/** As many failures in a row end a target on a workload: each may take the whole time limit. */
const FAILURES_MAX = 3;

/**
 * Takes blocks in turn of all workloads until each has settled or has all its blocks, the budget is spent, or the signal
 * comes. A block that an earlier run left incomplete is repeated.
 */
export async function measure(options: MeasureOptions): Promise<{ samples: readonly Sample[]; why: Ending }> {
  return new Measurement(options).run();
}

class Measurement {
  readonly #options: MeasureOptions;
  readonly #samples: Sample[];
  readonly #settled = new Set<string>();

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#samples = [...options.samples];
  }

  async run(): Promise<{ samples: readonly Sample[]; why: Ending }> {
    const { plan, observer, workloads } = this.#options;
    for (const { name } of workloads) this.#settle(name, this.#blocksOf(name));
    observer.begins(this.#progress());
    for (;;) {
      const open = workloads.filter(({ name }) => !this.#settled.has(name)).map(({ name }) => name);
      if (open.length === 0) return { samples: this.#samples, why: "settled" };
      const round = Math.min(...open.map((name) => this.#blocksOf(name)));
      const behind = open.filter((name) => this.#blocksOf(name) === round);
      for (const name of roundOrder(plan.seed, round, behind)) {
        const why = await this.#takeBlock(name, round);
        if (why !== undefined) return { samples: this.#samples, why };
        this.#settle(name, round + 1);
      }
    }
  }

  /** Complete blocks of a workload: of the last one, turns may be missing. */
  #blocksOf(workload: string): number {
    const own = lastAttempts(this.#samples.filter((sample) => sample.workload === workload));
    const last = Math.max(-1, ...own.map(({ block }) => block));
    const turns = own.filter(({ block }) => block === last);
    const targets = this.#targetsAfter(
      workload,
      own.filter(({ block }) => block < last),
    );
    const isComplete =
      turns.some(({ again }) => again) && targets.every((target) => turns.some((turn) => turn.target === target));
    return isComplete ? last + 1 : Math.max(0, last);
  }

  /** Targets that go on after these samples: without those that only fail. */
  #targetsAfter(workload: string, samples: readonly Sample[]): string[] {
    return this.#options.rows
      .filter((row) => row.workload.name === workload)
      .map(({ target }) => target)
      .filter((target) => target === this.#baseline(workload) || !hasFailed(target, samples));
  }

  #baseline(workload: string): string {
    return this.#options.workloads.find(({ name }) => name === workload)?.baseline ?? "";
  }

  /** @returns why the run ends with it; the block is incomplete then. */
  async #takeBlock(workload: string, block: number): Promise<Ending | undefined> {
    const { plan, signal, observer, folder } = this.#options;
    const own = this.#samples.filter((sample) => sample.workload === workload);
    const attempt = Math.max(-1, ...own.filter((sample) => sample.block === block).map((sample) => sample.attempt)) + 1;
    const targets = this.#targetsAfter(workload, lastAttempts(own.filter((sample) => sample.block < block)));
    const order = blockOrder(plan.seed, { workload, block, attempt }, targets, this.#baseline(workload));
    if (this.#spentMs() + this.#costMs(workload, order) > plan.budgetMs) return "budget";
    for (const [turn, { target, again }] of order.entries()) {
      const row = this.#options.rows.find((row) => row.workload.name === workload && row.target === target);
      if (row === undefined) throw new Error(`${workload} on ${target} is not ready`);
      if (signal.aborted) return "interrupted";
      const taken = await this.#take(row);
      if (taken === undefined) return "interrupted";
      const sample: Sample = { workload, block, attempt, turn, target, again, ...taken };
      folder.append(sample);
      this.#samples.push(sample);
      observer.sampled(sample, this.#progress());
    }
    return undefined;
  }

  async #take(row: Row) {
    const { plan, bench, meter, signal, now } = this.#options;
    try {
      return await takeSample(row, { bench, meter, scale: plan, limitMs: plan.sampleLimitMs, signal, now });
    } catch (error) {
      if (signal.aborted && error === signal.reason) return undefined;
      throw error;
    }
  }

  #settle(workload: string, blocks: number): void {
    const { plan, observer } = this.#options;
    if (this.#settled.has(workload) || blocks === 0) return;
    if (blocks < plan.blocks && !(isLook(blocks, plan) && this.#isSettled(workload, blocks))) return;
    this.#settled.add(workload);
    observer.settled(workload, blocks);
  }

  /** Whether further blocks would tell no more of any target. */
  #isSettled(name: string, blocks: number): boolean {
    const workload = this.#options.workloads.find((record) => record.name === name);
    if (workload === undefined) return true;
    const { baseline } = workload;
    const samples = lastAttempts(this.#samples.filter((sample) => sample.workload === name));
    const targets = this.#targetsAfter(name, samples).filter((target) => target !== baseline);
    return workload.metrics
      .filter(({ compared }) => compared)
      .every((metric) => {
        const estimate = (target: string, again: boolean) =>
          estimateRatio(
            seriesOf(samples, { workload: name, metric: metric.name, target, again, baseline }).pairs,
            blocks,
          );
        const noise = noiseFloor(estimate(baseline, true));
        const lacks = (target: string) =>
          samples.some(
            (sample) => sample.target === target && sample.values !== null && !(metric.name in sample.values),
          );
        return targets.every((target) => lacks(target) || isSettled(estimate(target, false), metric.better, noise));
      });
  }

  #spentMs(): number {
    const { samples, now, startedMs } = this.#options;
    return samples.reduce((sum, { tookMs }) => sum + tookMs, now() - startedMs);
  }

  #costMs(workload: string, order: readonly Turn[]): number {
    return order.reduce((sum, { target }) => sum + this.#tookMs(workload, target), 0);
  }

  /** By the last sample, or the first trial. */
  #tookMs(workload: string, target: string): number {
    const last = this.#samples.findLast((sample) => sample.workload === workload && sample.target === target);
    return last?.tookMs ?? this.#options.tookMs.get(keyOf({ workload, target })) ?? 0;
  }

  #progress(): Progress {
    const { plan, workloads } = this.#options;
    let left = 0;
    let leftMs = 0;
    for (const { name, baseline } of workloads.filter((workload) => !this.#settled.has(workload.name))) {
      const targets = [
        ...this.#targetsAfter(
          name,
          this.#samples.filter(({ workload }) => workload === name),
        ),
        baseline,
      ];
      const taken = lastAttempts(this.#samples.filter((sample) => sample.workload === name)).length;
      const more = Math.max(0, plan.blocks * targets.length - taken);
      const blockMs = targets.reduce((sum, target) => sum + this.#tookMs(name, target), 0);
      left += more;
      leftMs += (blockMs / targets.length) * more;
    }
    return { done: this.#samples.length, left, leftMs: Math.min(leftMs, Math.max(0, plan.budgetMs - this.#spentMs())) };
  }
}

function hasFailed(target: string, samples: readonly Sample[]): boolean {
  const last = samples.filter((sample) => sample.target === target).slice(-FAILURES_MAX);
  return last.length === FAILURES_MAX && last.every(({ failure }) => failure !== null);
}

/** Why a run with this ending can be gone on with: it can where time or a user ended it. */
export function canGoOn(ended: RunManifest["ended"]): boolean {
  return ended === null || ended.why !== "settled";
}
