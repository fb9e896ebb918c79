import type { NotRun } from "../manifest.ts";
import type { Verdict } from "../statistics/verdict.ts";
import { costText, noiseText, signedRange, significant, verdictText } from "../statistics/wording.ts";
import type { Analysis, Finding, MetricTable } from "./analysis.ts";
import { amount } from "./number.ts";

/** How a cell of the summary is to be read; `shown` is a number without a verdict. */
export type Reading = Verdict | "shown" | "failed" | "not-run";

/** Of a row that a table cannot have. */
const EMPTY: Cell = { reading: "shown", text: "", value: "" };

/** Never by colour alone: each reading has a mark of its own. */
export const MARKS: Readonly<Record<Reading, string>> = {
  cost: "▲",
  gain: "▼",
  none: "=",
  inconclusive: "?",
  shown: "",
  failed: "×",
  "not-run": "–",
};

/** What the marks mean, for a legend. */
export const LEGEND: readonly (readonly [reading: Reading, meaning: string])[] = [
  ["cost", "worse than native"],
  ["gain", "better than native"],
  ["none", "no measurable cost"],
  ["inconclusive", "inconclusive"],
  ["failed", "tried, no number"],
  ["not-run", "not run"],
];

export interface Cell {
  readonly reading: Reading;
  /** e.g. `costs 18-23 %`. */
  readonly text: string;
  /** The median in its unit, e.g. `1.23 ms`; empty where there is none. */
  readonly value: string;
}

export function cellOf(table: MetricTable, finding: Finding | undefined): Cell {
  if (finding === undefined) return { reading: "not-run", text: "not run", value: "" };
  const { metric, noise } = table;
  const { role, median, verdict, estimate } = finding;
  if (median === undefined) {
    return { reading: "failed", text: finding.series.setAside > 0 ? "all set aside" : "no number", value: "" };
  }
  const value = amount(median, metric.unit);
  if (!metric.compared) return { reading: "shown", text: "", value };
  if (role === "baseline") return { reading: "shown", text: "baseline", value };
  if (verdict === null) {
    const text = noise === undefined ? "noise not known" : `noise ${noiseText(noise)}`;
    return { reading: "shown", text, value };
  }
  return { reading: verdict, text: verdictText(verdict, estimate?.interval, metric.better), value };
}

/** The cost with its interval, e.g. `+20 % (+18 to +23 %)`; empty where there is none. */
export function costOf({ estimate, role }: Finding, better: "lower" | "higher"): string {
  if (estimate === undefined || role === "baseline") return "";
  const { ratio, interval } = estimate;
  if (interval === undefined) return costText(ratio, better);
  const factors = ratio >= 2 && interval[0] >= 2;
  const range = factors
    ? `×${significant(interval[0])} to ×${significant(interval[1])}`
    : signedRange(interval, better);
  return `${costText(ratio, better)} (${range})`;
}

/** A row of the summary: its label and what it found in a table. */
export interface SummaryRow {
  readonly title: string;
  readonly cell: (table: MetricTable) => Cell;
  readonly find: (table: MetricTable) => Finding | undefined;
}

/** One row for each target that was tried, and one more for each baseline's second measurement. */
export function summaryRows({ manifest, tables }: Analysis): SummaryRow[] {
  const rows = manifest.targets.flatMap(({ name, title }) =>
    [false, true].map((again): SummaryRow => {
      const find = ({ findings }: MetricTable) =>
        findings.find(({ target, role }) => target.name === name && (role === "again") === again);
      const cell = (table: MetricTable) => {
        const finding = find(table);
        return again && finding === undefined ? EMPTY : cellOf(table, finding);
      };
      return { title: again ? `${title}, again` : title, find, cell };
    }),
  );
  return rows.filter(({ find }) => tables.some((table) => find(table) !== undefined));
}

/** e.g. `native, again`. */
export function findingTitle({ target, role }: Finding): string {
  return role === "again" ? `${target.title}, again` : target.title;
}

/** e.g. `gVisor, start`. */
export function notRunTitle({ target, targetTitle, workload }: NotRun): string {
  return [targetTitle ?? target, workload].filter((part) => part !== null).join(", ");
}
