import type { Analysis } from "./analysis.ts";
import { csv } from "./escape.ts";

const COLUMNS = [
  "workload",
  "metric",
  "unit",
  "better",
  "target",
  "role",
  "median",
  "median_low",
  "median_high",
  "p5",
  "p95",
  "ratio",
  "ratio_low",
  "ratio_high",
  "noise",
  "verdict",
  "cliffs_delta",
  "blocks",
  "pairs",
  "set_aside",
  "failed",
  "paths",
];

/** One line for each metric and target (RFC 4180, CRLF); ratios are to the baseline. */
export function toCsv({ tables }: Analysis): string {
  const lines = tables.flatMap(({ workload, metric, noise, findings }) =>
    findings.map(({ target, role, median, interval, p5, p95, estimate, verdict, delta, series, paths }) => [
      workload.name,
      metric.name,
      metric.unit,
      metric.better,
      target.name,
      role,
      median,
      interval?.[0],
      interval?.[1],
      p5,
      p95,
      estimate?.ratio,
      estimate?.interval?.[0],
      estimate?.interval?.[1],
      noise,
      verdict,
      delta,
      series.blocks,
      series.pairs.length,
      series.setAside,
      series.failed,
      paths.join(" "),
    ]),
  );
  return [COLUMNS, ...lines].map((fields) => `${fields.map(csv).join(",")}\r\n`).join("");
}
