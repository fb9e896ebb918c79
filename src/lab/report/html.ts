import { significant } from "../statistics/wording.ts";
import { type Analysis, type Finding, headlines, type MetricTable } from "./analysis.ts";
import { type Cell, cellOf, costOf, findingTitle, LEGEND, MARKS, notRunTitle, summaryRows } from "./cell.ts";
import { html } from "./escape.ts";
import { STYLE } from "./html-style.ts";
import { type HtmlCell, htmlList, htmlTable, numberCell } from "./html-table.ts";
import { machineRows } from "./machine.ts";
import { METHOD } from "./method.ts";
import { metricPlot, publishedPlot } from "./metric-plot.ts";
import { count } from "./number.ts";
import { MARK_MEANINGS, type PublishedNumber, STUDIES } from "./published.ts";
import { SECURITY_HEAD, securityWords } from "./security.ts";

/** Names come from files and programs: what slips through escaping could still load or run nothing. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** The report as one HTML file that needs nothing else, and no JavaScript. */
export function toHtml(analysis: Analysis): string {
  const { manifest } = analysis;
  const { machine } = manifest.host;
  const where = machine.board ?? machine.processor;
  return [
    "<!DOCTYPE html>",
    '<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${html(`What isolation costs on ${where}`)}</title>`,
    `<style>${STYLE}</style></head><body><main>`,
    "<h1>What isolation costs</h1>",
    `<p class="soft">${html(`${where}, ${machine.architecture}, Linux ${machine.kernel}`)}<br>`,
    `${html(`${manifest.startedAt.slice(0, 16).replace("T", " ")} UTC, Skiff ${manifest.skiff}`)}</p>`,
    warningsMarkup(analysis.warnings),
    summaryMarkup(analysis),
    ...workloadSections(analysis),
    targetsSection(analysis),
    notRunSection(analysis),
    section("The machine", htmlTable(["what", "here"], machineRows(manifest))),
    section("The method", htmlList(METHOD)),
    publishedSection(),
    "</main></body></html>",
    "",
  ].join("\n");
}

function section(title: string, ...parts: readonly string[]): string {
  return `<section><h2>${html(title)}</h2>\n${parts.filter((part) => part !== "").join("\n")}</section>`;
}

function warningsMarkup(warnings: readonly string[]): string {
  return warnings.length === 0 ? "" : `<div class="mind"><strong>⚠ Mind</strong>${htmlList(warnings)}</div>`;
}

function summaryMarkup(analysis: Analysis): string {
  const columns = headlines(analysis.tables);
  if (columns.length === 0) return "<p>Nothing was measured.</p>";
  const rows = summaryRows(analysis).map(({ title, cell }): HtmlCell[] => [
    title,
    ...columns.map((table) => verdictCell(cell(table))),
  ]);
  const head = ["", ...columns.map(({ workload, metric }) => `${workload.title} · ${metric.title}`)];
  const legend = LEGEND.map(([reading, meaning]) => `<li class="r-${reading}">${MARKS[reading]} ${html(meaning)}</li>`);
  return [
    "<p>Each cost is against native in the same blocks, with the range that covers the truth in 95 of 100 runs.</p>",
    `<ul class="legend">${legend.join("")}</ul>`,
    htmlTable(head, rows, "summary"),
  ].join("\n");
}

function verdictCell({ reading, text, value }: Cell): HtmlCell {
  const verdict = `${MARKS[reading]} ${text}`.trim();
  const shown = verdict === "" ? "" : `<span class="verdict">${html(verdict)}</span>`;
  const small = value === "" ? "" : verdict === "" ? html(value) : `<small>${html(value)}</small>`;
  return { markup: `${shown}${small}`, class: `r-${reading}` };
}

/** One section for each workload; the metrics after the first are folded away. */
function workloadSections({ tables }: Analysis): string[] {
  return headlines(tables).map((headline) => {
    const group = tables.filter(({ workload }) => workload.name === headline.workload.name);
    const others = group
      .filter((table) => table !== headline)
      .map((table) => {
        const summary = `<summary>${html(table.metric.title)}</summary>`;
        return `<details>${summary}${metricMarkup(table)}</details>`;
      });
    const { workload, metric, blocks } = headline;
    return section(
      workload.title,
      `<p>${html(workload.description)} ${html(count(blocks, "block"))}.</p>`,
      `<h3>${html(metric.title)}</h3>`,
      metricMarkup(headline),
      ...others,
    );
  });
}

function metricMarkup(table: MetricTable): string {
  const { metric, findings } = table;
  const compared = metric.compared;
  const rows = findings.map((finding): HtmlCell[] => [
    findingTitle(finding),
    numberCell(finding.median === undefined ? "" : significant(finding.median)),
    numberCell(rangeText(finding.interval?.[0], finding.interval?.[1])),
    numberCell(rangeText(finding.p5, finding.p95)),
    ...(compared ? comparisonCells(table, finding) : []),
    numberCell(`${finding.points.length}`),
    numberCell(`${finding.points.filter(({ inUse }) => !inUse).length}`),
    numberCell(`${finding.series.failed}`),
    finding.paths.join(", "),
  ]);
  const unit = metric.unit === "" ? "" : `, ${metric.unit}`;
  const head = [
    "",
    `median${unit}`,
    "its 95 % interval",
    "5th to 95th percentile",
    ...(compared ? ["verdict", "cost (95 % interval)", "Cliff's δ"] : []),
    ...["samples", "set aside", "failed", "path"],
  ];
  const published = publishedPlot(table);
  return [
    `<div class="scroll">${metricPlot(table)}</div>`,
    htmlTable(head, rows, "detail"),
    htmlList(remarks(table)),
    published === "" ? "" : `<h3>Beside published numbers</h3><div class="scroll">${published}</div>`,
  ].join("\n");
}

function comparisonCells(table: MetricTable, finding: Finding): HtmlCell[] {
  const { delta, verdict, estimate } = finding;
  const cell = cellOf(table, finding);
  // The range stands in the next column.
  const text = verdict === "inconclusive" && estimate?.interval !== undefined ? "inconclusive" : cell.text;
  return [
    verdictCell({ ...cell, text, value: "" }),
    numberCell(costOf(finding, table.metric.better)),
    numberCell(delta === undefined ? "" : delta.toFixed(2)),
  ];
}

function rangeText(low: number | undefined, high: number | undefined): string {
  return low === undefined || high === undefined ? "" : `${significant(low)} to ${significant(high)}`;
}

function remarks({ findings }: MetricTable): string[] {
  return findings.flatMap((finding) => finding.remarks.map((remark) => `${findingTitle(finding)}: ${remark}`));
}

function targetsSection({ manifest: { targets, workloads } }: Analysis): string {
  const rows = targets.map(({ title, version, found, security }): HtmlCell[] => [
    title,
    { markup: `${html(version)}<small>${html(found)}</small>` },
    ...securityWords(security),
  ]);
  const head = ["", "version", ...SECURITY_HEAD];
  const lines = targets.flatMap(({ title, commandLines }) =>
    Object.entries(commandLines).map(([workload, words]): HtmlCell[] => [
      title,
      workloads.find(({ name }) => name === workload)?.title ?? workload,
      { markup: `<code>${html(words.join(" "))}</code>` },
    ]),
  );
  return section(
    "The targets, and what each leaves the workload",
    htmlTable(head, rows),
    `<details><summary>The exact command lines</summary>${htmlTable(["", "workload", "command line"], lines)}</details>`,
  );
}

function notRunSection({ manifest: { notRun } }: Analysis): string {
  const rows = notRun.map((entry): HtmlCell[] => [
    notRunTitle(entry),
    entry.reason,
    { markup: entry.mend === undefined ? "" : `<code>${html(entry.mend)}</code>` },
  ]);
  return section(
    "Not run",
    rows.length === 0
      ? "<p>Everything that was asked for was run.</p>"
      : htmlTable(["", "why", "how to mend it"], rows),
  );
}

function publishedSection(): string {
  const marks = Object.entries(MARK_MEANINGS).map(([mark, meaning]) => `${mark}: ${meaning}`);
  const studies = STUDIES.map(({ study, source, method, numbers }) => {
    const rows = numbers.map(({ what, on, value, unit, mark }: PublishedNumber): HtmlCell[] => {
      const text = (typeof value === "number" ? [value] : value).map((number) => number.toLocaleString("en-US"));
      return [what, on, numberCell(`${text.join(" to ")} ${unit}`), `[${mark}]`];
    });
    const table = htmlTable(["what", "on", "value", "mark"], rows);
    return `<details><summary>${html(study)}</summary><p>${html(source)}. ${html(method)}.</p>${table}</details>`;
  });
  const intro = "Numbers of the studies that this lab follows, on their machines and by their methods. Marks:";
  return section("What others measured", `<p>${html(intro)}</p>`, htmlList(marks), ...studies);
}
