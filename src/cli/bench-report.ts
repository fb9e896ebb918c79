import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "../lab/manifest.ts";
import { analyse } from "../lab/report/analysis.ts";
import { toCsv } from "../lab/report/csv.ts";
import { toJson } from "../lab/report/document.ts";
import { toHtml } from "../lab/report/html.ts";
import { toMarkdown } from "../lab/report/markdown.ts";
import { toText } from "../lab/report/text.ts";

/** Writes every form of the report into the folder, and gives the one for the terminal. */
export function writeReport(folder: string, result: Result, options: { readonly colour: boolean }): string {
  const analysis = analyse(result);
  const forms = { html: toHtml(analysis), md: toMarkdown(analysis), csv: toCsv(analysis), json: toJson(analysis) };
  for (const [form, text] of Object.entries(forms)) writeFileSync(join(folder, `report.${form}`), text);
  return toText(analysis, options);
}
