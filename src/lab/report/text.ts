import type { NotRun } from "../manifest.ts";
import { type Analysis, headlines, type MetricTable } from "./analysis.ts";
import { type Cell, cellOf, LEGEND, MARKS, notRunTitle, type Reading, summaryRows } from "./cell.ts";
import { plain } from "./escape.ts";
import { count } from "./number.ts";

/** ECMA-48, section 8.3.117, SGR. */
const BOLD = 1;
const COLOURS: Readonly<Partial<Record<Reading, number>>> = {
  cost: 31,
  gain: 32,
  none: 32,
  inconclusive: 33,
  failed: 35,
};

type Paint = (text: string, code: number | undefined) => string;

/** The summary for a terminal: a table for each workload, then what must be known of it. */
export function toText(report: Analysis, options: { readonly colour: boolean }): string {
  const paint: Paint = (text, code) =>
    options.colour && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text;
  const { machine } = report.manifest.host;
  const sections = [
    [paint(plain(`What isolation costs on ${machine.board ?? machine.processor}`), BOLD)],
    ...headlines(report.tables).map((table) => tableLines(report, table, paint)),
    [LEGEND.map(([reading, meaning]) => `${MARKS[reading]} ${meaning}`).join("   ")],
    notRunLines(report.manifest.notRun),
    report.warnings.map((line) => `! ${plain(line)}`),
  ];
  const texts = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${texts.join("\n\n")}\n`;
}

function tableLines(report: Analysis, table: MetricTable, paint: Paint): string[] {
  const rows = summaryRows(report).flatMap(({ title, find }) => {
    const finding = find(table);
    return finding === undefined ? [] : [{ title: plain(title), cell: cellOf(table, finding) }];
  });
  const titleWidth = width(rows.map(({ title }) => title));
  const valueWidth = width(rows.map(({ cell }) => plain(cell.value)));
  const line = ({ title, cell }: { title: string; cell: Cell }) => {
    const verdict = `${MARKS[cell.reading].padEnd(1)} ${plain(cell.text)}`.trimEnd();
    const painted = paint(verdict, COLOURS[cell.reading]);
    return `  ${title.padEnd(titleWidth)}  ${plain(cell.value).padStart(valueWidth)}  ${painted}`.trimEnd();
  };
  const { workload, metric, blocks } = table;
  const head = `${workload.title}: ${metric.title}, ${count(blocks, "block")}`;
  return [paint(plain(head), BOLD), ...rows.map(line)];
}

function width(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

/** The mend stands once, below all that it mends. */
function notRunLines(notRun: readonly NotRun[]): string[] {
  if (notRun.length === 0) return [];
  const mends = [...new Set(notRun.map(({ mend }) => mend))];
  const lines = mends.flatMap((mend) => [
    ...notRun
      .filter((entry) => entry.mend === mend)
      .map((entry) => `  ${plain(notRunTitle(entry))}: ${plain(entry.reason)}`),
    ...(mend === undefined ? [] : [`    mend: ${plain(mend)}`]),
  ]);
  return ["Not run:", ...lines];
}
