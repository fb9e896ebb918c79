import type { Result, RunManifest } from "../manifest.ts";
import type { Sample } from "../sample.ts";
import type { Interval } from "../statistics/estimate.ts";
import type { Analysis, Finding, MetricTable } from "./analysis.ts";

/** Version of the document; docs/bench-schema.json describes it. */
export const DOCUMENT_FORMAT = "skiff-bench-report-1";

/** The report for programs: the numbers, and everything that they were reckoned from. */
export interface ReportDocument {
  readonly format: typeof DOCUMENT_FORMAT;
  readonly manifest: RunManifest;
  readonly tables: readonly DocumentTable[];
  readonly warnings: readonly string[];
  readonly samples: readonly Sample[];
}

interface DocumentTable {
  readonly workload: string;
  readonly metric: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly compared: boolean;
  readonly baseline: string;
  readonly blocks: number;
  readonly noise: number | null;
  readonly findings: readonly DocumentFinding[];
}

/** What is not known, or is infinite, is null. */
interface DocumentFinding {
  readonly target: string;
  readonly role: "baseline" | "again" | "compared";
  readonly median: number | null;
  readonly medianInterval: Interval | null;
  readonly p5: number | null;
  readonly p95: number | null;
  readonly ratio: number | null;
  readonly ratioInterval: Interval | null;
  readonly verdict: string | null;
  readonly cliffsDelta: number | null;
  readonly pairs: number;
  readonly setAside: number;
  readonly failed: number;
}

export function toDocument({ manifest, tables, warnings, samples }: Analysis): ReportDocument {
  return { format: DOCUMENT_FORMAT, manifest, tables: tables.map(documentTable), warnings, samples };
}

export function toJson(analysis: Analysis): string {
  return `${JSON.stringify(toDocument(analysis), undefined, 2)}\n`;
}

/** What the document was made from: reports and comparisons start from it again. */
export function resultOf({ manifest, samples }: ReportDocument): Result {
  return { manifest, samples };
}

function documentTable({ workload, metric, blocks, noise, findings }: MetricTable): DocumentTable {
  return {
    workload: workload.name,
    metric: metric.name,
    unit: metric.unit,
    better: metric.better,
    compared: metric.compared,
    baseline: workload.baseline,
    blocks,
    noise: finite(noise),
    findings: findings.map(documentFinding),
  };
}

function documentFinding(finding: Finding): DocumentFinding {
  const { target, role, median, interval, p5, p95, estimate, verdict, delta, series } = finding;
  return {
    target: target.name,
    role,
    median: finite(median),
    medianInterval: finiteInterval(interval),
    p5: finite(p5),
    p95: finite(p95),
    ratio: finite(estimate?.ratio),
    ratioInterval: finiteInterval(estimate?.interval),
    verdict,
    cliffsDelta: finite(delta),
    pairs: series.pairs.length,
    setAside: series.setAside,
    failed: series.failed,
  };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function finiteInterval(interval: Interval | undefined): Interval | null {
  return interval?.every(Number.isFinite) ? interval : null;
}
