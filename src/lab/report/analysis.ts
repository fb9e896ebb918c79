import type { Result, RunManifest, TargetRecord, WorkloadRecord } from "../manifest.ts";
import type { NetworkPath } from "../network.ts";
import type { Sample } from "../sample.ts";
import { lastAttempts, type Series, seriesOf } from "../statistics/blocks.ts";
import { cliffsDelta } from "../statistics/cliffs-delta.ts";
import { type Estimate, estimateMedian, estimateRatio, type Interval } from "../statistics/estimate.ts";
import { percentile } from "../statistics/order.ts";
import { judge, noiseFloor, type Verdict } from "../statistics/verdict.ts";
import type { Metric } from "../workload/workload.ts";
import { findWarnings } from "./warnings.ts";

/** A result, reckoned: what every form of the report shows. */
export interface Analysis {
  readonly manifest: RunManifest;
  /** Only metrics of which anything was tried. */
  readonly tables: readonly MetricTable[];
  /** Lines that must be read before the numbers. */
  readonly warnings: readonly string[];
  /** Those of each block's last attempt; set-aside and failed ones included. */
  readonly samples: readonly Sample[];
}

/** One metric of one workload on all targets that were tried. */
export interface MetricTable {
  readonly workload: WorkloadRecord;
  readonly metric: Metric;
  /** Blocks begun. */
  readonly blocks: number;
  /** Share that this machine shows between native and native; undefined where that could not be measured. */
  readonly noise: number | undefined;
  /** In the manifest's order; the baseline's second measurement after its first. */
  readonly findings: readonly Finding[];
}

export interface Finding {
  readonly target: TargetRecord;
  /** `again` is the baseline's second measurement. */
  readonly role: "baseline" | "again" | "compared";
  /** Every number that was taken, in the blocks' order. */
  readonly points: readonly Point[];
  /** Of the points in use, in the metric's unit. */
  readonly median: number | undefined;
  readonly interval: Interval | undefined;
  readonly p5: number | undefined;
  readonly p95: number | undefined;
  readonly series: Series;
  /** The ratio to the baseline; undefined for the baseline itself. */
  readonly estimate: Estimate | undefined;
  /** null for the baseline, its second measurement, and a metric that is not compared. */
  readonly verdict: Verdict | null;
  /** Against the baseline's points. */
  readonly delta: number | undefined;
  readonly paths: readonly NetworkPath[];
  /** Failures and notes, each once, in the order of their first appearance. */
  readonly remarks: readonly string[];
}

export interface Point {
  /** Counted from 0. */
  readonly block: number;
  readonly value: number;
  /** False where a declared signal set it aside. */
  readonly inUse: boolean;
}

export function analyse({ manifest, samples }: Result): Analysis {
  const last = lastAttempts(samples);
  const tables = manifest.workloads.flatMap((workload) => {
    const own = last.filter((sample) => sample.workload === workload.name);
    return own.length === 0 ? [] : workload.metrics.map((metric) => tableOf(workload, metric, own, manifest.targets));
  });
  return { manifest, tables, samples: last, warnings: findWarnings(manifest, tables, last) };
}

/** @param samples of this workload. */
function tableOf(
  workload: WorkloadRecord,
  metric: Metric,
  samples: readonly Sample[],
  targets: readonly TargetRecord[],
): MetricTable {
  const blocks = new Set(samples.map(({ block }) => block)).size;
  const source = { workload, metric, samples, blocks };
  const noise = metric.compared ? noiseFloor(estimateOf(source, workload.baseline, true).estimate) : undefined;
  const findings = targets.flatMap((target) =>
    (target.name === workload.baseline ? [false, true] : [false]).flatMap(
      (again) => findingOf(source, target, again, noise) ?? [],
    ),
  );
  return { workload, metric, blocks, noise, findings };
}

interface Source {
  readonly workload: WorkloadRecord;
  readonly metric: Metric;
  readonly samples: readonly Sample[];
  readonly blocks: number;
}

function findingOf(source: Source, target: TargetRecord, again: boolean, noise: number | undefined) {
  const { workload, metric, samples } = source;
  const row = rowOf(samples, target.name, again);
  if (row.length === 0) return undefined;
  const role = again ? "again" : target.name === workload.baseline ? "baseline" : "compared";
  const { series, estimate } = estimateOf(source, target.name, again);
  const points = pointsOf(row, metric.name);
  const values = inUse(points);
  const baseline = inUse(pointsOf(rowOf(samples, workload.baseline, false), metric.name));
  const finding: Finding = {
    target,
    role,
    points,
    median: undefined,
    interval: undefined,
    ...estimateMedian(values),
    p5: percentile(values, 0.05),
    p95: percentile(values, 0.95),
    series,
    estimate: role === "baseline" ? undefined : estimate,
    verdict: role === "compared" && metric.compared ? judge(estimate?.interval, metric.better, noise) : null,
    delta: role === "baseline" ? undefined : cliffsDelta(values, baseline),
    paths: [...new Set(row.flatMap(({ path }) => path ?? []))],
    remarks: [...new Set(row.flatMap(({ failure, notes }) => [...(failure === null ? [] : [failure]), ...notes]))],
  };
  return finding;
}

function estimateOf({ workload, metric, samples, blocks }: Source, target: string, again: boolean) {
  const of = { workload: workload.name, metric: metric.name, target, again, baseline: workload.baseline };
  const series = seriesOf(samples, of);
  return { series, estimate: estimateRatio(series.pairs, blocks) };
}

function rowOf(samples: readonly Sample[], target: string, again: boolean): Sample[] {
  const row = samples.filter((sample) => sample.target === target && sample.again === again);
  return row.sort((a, b) => a.block - b.block);
}

function pointsOf(row: readonly Sample[], metric: string): Point[] {
  return row.flatMap(({ block, values, signals }) => {
    const value = values?.[metric];
    return value === undefined || !Number.isFinite(value) ? [] : [{ block, value, inUse: signals.length === 0 }];
  });
}

function inUse(points: readonly Point[]): number[] {
  return points.filter((point) => point.inUse).map(({ value }) => value);
}

/** Of each workload the metric that stands for it in the summary: the first that is compared, or else the first. */
export function headlines(tables: readonly MetricTable[]): MetricTable[] {
  return [...new Set(tables.map(({ workload }) => workload.name))].flatMap((name) => {
    const group = tables.filter(({ workload }) => workload.name === name);
    return group.find(({ metric }) => metric.compared) ?? group.slice(0, 1);
  });
}
