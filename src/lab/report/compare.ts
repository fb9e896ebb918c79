import type { Result } from "../manifest.ts";
import { estimateMedian, type Interval } from "../statistics/estimate.ts";
import { threshold } from "../statistics/verdict.ts";
import { type Analysis, analyse, type Finding, type MetricTable } from "./analysis.ts";

/**
 * - `value`: the numbers themselves, for one machine before and after a change;
 * - `cost`: the ratios to native, for two machines, of which one may be faster as a whole.
 */
export type Basis = "value" | "cost";

export type Change = "worse" | "better" | "same" | "unclear";

export interface ComparisonResult {
  readonly basis: Basis;
  readonly changes: readonly ChangeRow[];
  /** Titles of rows that both tried, and of which only the first has numbers. */
  readonly lost: readonly string[];
  /** Rows that only one of the two results has, as `workload, metric, target`. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

export interface ChangeRow {
  readonly workload: string;
  readonly metric: string;
  readonly target: string;
  readonly title: string;
  readonly better: "lower" | "higher";
  readonly unit: string;
  readonly first: number;
  readonly second: number;
  /** Second to first. */
  readonly ratio: number;
  /** Covers the true ratio in at least 95 of 100 comparisons; undefined where there are too few blocks. */
  readonly interval: Interval | undefined;
  readonly change: Change;
}

/** The same processor, board and kernel architecture: then numbers can be compared as they are. */
export function usualBasis({ manifest: a }: Result, { manifest: b }: Result): Basis {
  const [first, second] = [a.host.machine, b.host.machine];
  const same = (["processor", "board", "architecture", "processorCount"] as const).every(
    (key) => first[key] === second[key],
  );
  return same ? "value" : "cost";
}

/** Holds one result against another, row by row. */
export function compareResults(a: Result, b: Result, basis: Basis = usualBasis(a, b)): ComparisonResult {
  const [first, second] = [rowsOf(analyse(a), basis), rowsOf(analyse(b), basis)];
  const changes = [...first].flatMap(([key, before]) => {
    const after = second.get(key);
    return after === undefined ? [] : (changeOf(before, after, basis) ?? []);
  });
  return {
    basis,
    changes,
    lost: [...first].flatMap(([key, before]) => {
      const after = second.get(key);
      const isLost = after !== undefined && numbers(before, basis).length > 0 && numbers(after, basis).length === 0;
      return isLost ? [titleOf(before)] : [];
    }),
    onlyFirst: [...first.keys()].filter((key) => !second.has(key)),
    onlySecond: [...second.keys()].filter((key) => !first.has(key)),
  };
}

/**
 * Rows whose change for the worse surely exceeds a share: the whole interval lies beyond. Of a metric of which more is
 * better, 0.1 means that a tenth of it is gone.
 */
export function worseThan({ changes }: ComparisonResult, share: number): ChangeRow[] {
  return changes.filter(({ interval, better, change }) => {
    if (interval === undefined || change !== "worse") return false;
    return better === "lower" ? interval[0] > 1 + share : interval[1] < 1 - share;
  });
}

interface Row {
  readonly table: MetricTable;
  readonly finding: Finding;
}

function rowsOf({ tables }: Analysis, basis: Basis): Map<string, Row> {
  const rows = tables.flatMap((table) =>
    table.findings.flatMap((finding): [string, Row][] => {
      if (finding.role === "again" || (basis === "cost" && finding.role === "baseline")) return [];
      if (basis === "cost" && !table.metric.compared) return [];
      return [[`${table.workload.name}, ${table.metric.name}, ${finding.target.name}`, { table, finding }]];
    }),
  );
  return new Map(rows);
}

function changeOf(before: Row, after: Row, basis: Basis): ChangeRow | undefined {
  const [first, second] = [estimateMedian(numbers(before, basis)), estimateMedian(numbers(after, basis))];
  if (first === undefined || second === undefined) return undefined;
  const { workload, metric } = before.table;
  // Each is wrong at most once in 40 from seven values on (the first look's share): together at most once in 20.
  const interval: Interval | undefined = first.interval &&
    second.interval && [
      quotient(second.interval[0], first.interval[1]),
      quotient(second.interval[1], first.interval[0]),
    ];
  return {
    workload: workload.name,
    metric: metric.name,
    target: before.finding.target.name,
    title: titleOf(before),
    better: metric.better,
    unit: metric.unit,
    first: first.median,
    second: second.median,
    ratio: quotient(second.median, first.median),
    interval,
    change: judgeChange(interval, metric.better, threshold(Math.max(before.table.noise ?? 0, after.table.noise ?? 0))),
  };
}

function titleOf({ table: { workload, metric }, finding: { target } }: Row): string {
  return `${workload.title}, ${metric.title}: ${target.title}`;
}

function numbers({ finding }: Row, basis: Basis): number[] {
  if (basis === "cost") return finding.series.pairs.map(({ value, baseline }) => quotient(value, baseline));
  return finding.points.filter(({ inUse }) => inUse).map(({ value }) => value);
}

/** Two zeros are alike. */
function quotient(value: number, by: number): number {
  return value === by ? 1 : value / by;
}

/** @param limit what a difference must exceed: 2 %, or what either machine shows between native and native. */
function judgeChange(interval: Interval | undefined, better: "lower" | "higher", limit: number): Change {
  if (interval === undefined) return "unclear";
  const [low, high] = interval;
  const [least, most] = [1 / (1 + limit), 1 + limit];
  if (low > most) return better === "lower" ? "worse" : "better";
  if (high < least) return better === "lower" ? "better" : "worse";
  return low >= least && high <= most ? "same" : "unclear";
}
