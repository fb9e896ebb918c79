import { type Analysis, headlines, type MetricTable } from "./analysis.ts";
import { cellOf, costOf, findingTitle, MARKS, notRunTitle, summaryRows } from "./cell.ts";
import { markdown as escaped } from "./escape.ts";
import { machineRows } from "./machine.ts";
import { METHOD } from "./method.ts";
import { SECURITY_HEAD, securityWords } from "./security.ts";

/** The report as Markdown (GitHub's, for its tables). */
export function toMarkdown(report: Analysis): string {
  const { manifest, tables, warnings } = report;
  const { notRun } = manifest;
  const lines = [
    "# What isolation costs on this machine",
    "",
    ...warnings.flatMap((line) => [`> **Mind:** ${escaped(line)}`, ""]),
    ...summaryTable(report),
    "",
    ...tables.flatMap(details),
    "## The targets, and what each leaves the workload",
    "",
    ...table(
      ["target", "version", ...SECURITY_HEAD],
      manifest.targets.map(({ title, version, security }) => [title, version, ...securityWords(security)].map(escaped)),
    ),
    "",
    "## Not run",
    "",
    ...(notRun.length === 0 ? ["Everything that was asked for was run."] : []),
    ...notRun.map((entry) => {
      const advice = entry.mend === undefined ? "" : ` Mend: ${escaped(entry.mend)}`;
      return `- **${escaped(notRunTitle(entry))}**: ${escaped(entry.reason)}.${advice}`;
    }),
    "",
    "## The machine",
    "",
    ...table(
      ["what", "here"],
      machineRows(manifest).map(([name, value]) => [escaped(name), escaped(value)]),
    ),
    "",
    "## The method",
    "",
    ...METHOD.map((line) => `- ${line}`),
  ];
  return `${lines.join("\n")}\n`;
}

function summaryTable(report: Analysis): string[] {
  const columns = headlines(report.tables);
  const body = summaryRows(report).map(({ title, cell }) => [
    escaped(title),
    ...columns.map((column) => {
      const { reading, text, value } = cell(column);
      return escaped([MARKS[reading], text, value === "" ? "" : `(${value})`].filter((part) => part !== "").join(" "));
    }),
  ]);
  return table(["target", ...columns.map(({ workload }) => escaped(workload.title))], body);
}

function details(metricTable: MetricTable): string[] {
  const { workload, metric, findings } = metricTable;
  const body = findings.map((finding) => {
    const { value, text } = cellOf(metricTable, finding);
    const setAside = finding.points.filter(({ inUse }) => !inUse).length;
    const cost = costOf(finding, metric.better);
    return [findingTitle(finding), value, text, cost, `${finding.points.length - setAside}`, `${setAside}`].map(
      escaped,
    );
  });
  return [
    `## ${escaped(workload.title)}: ${escaped(metric.title)}`,
    "",
    escaped(workload.description),
    "",
    ...table(["target", "median", "verdict", "cost (95 % interval)", "samples", "set aside"], body),
    "",
  ];
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`);
}
