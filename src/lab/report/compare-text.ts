import { signedRange, significant } from "../statistics/wording.ts";
import type { Change, ChangeRow, ComparisonResult } from "./compare.ts";
import { plain } from "./escape.ts";
import { amount } from "./number.ts";

/** Marks beside the words, for whoever reads without colours. */
const MARKS: Readonly<Record<Change, string>> = { worse: "▲", better: "▼", same: "=", unclear: "?" };
const COLOURS: Readonly<Record<Change, number>> = { worse: 31, better: 32, same: 32, unclear: 33 };

/** A comparison as lines for a terminal, one a row. */
export function comparisonText(result: ComparisonResult, options: { readonly colour: boolean }): string {
  const { basis, changes, lost, onlyFirst, onlySecond } = result;
  const width = Math.max(0, ...changes.map(({ title }) => plain(title).length));
  const numbersWidth = Math.max(0, ...changes.map((row) => plain(numbersOf(row, basis)).length));
  const lines = changes.map((row) => {
    const words = `${MARKS[row.change]} ${changeWords(row)}`;
    const painted = options.colour ? `\u001b[${COLOURS[row.change]}m${words}\u001b[0m` : words;
    return `  ${plain(row.title).padEnd(width)}  ${plain(numbersOf(row, basis)).padEnd(numbersWidth)}  ${painted}`;
  });
  const what =
    basis === "value"
      ? "The numbers of the second result against the first:"
      : "The cost against native, of the second result against the first (their machines differ):";
  return `${[
    changes.length === 0 ? "The two results have no row in common." : what,
    ...lines,
    ...lost.map((title) => `  × no number any more: ${plain(title)}`),
    ...onlyFirst.map((key) => `  only in the first: ${plain(key)}`),
    ...onlySecond.map((key) => `  only in the second: ${plain(key)}`),
  ].join("\n")}\n`;
}

function numbersOf({ first, second, unit }: ChangeRow, basis: ComparisonResult["basis"]): string {
  return basis === "value"
    ? `${significant(first)} → ${amount(second, unit)}`
    : `×${significant(first)} → ×${significant(second)}`;
}

/** Positive is worse, as in the report. */
function changeWords({ change, interval, better }: ChangeRow): string {
  if (interval === undefined) return "unclear (too few blocks)";
  return `${change} (${signedRange(interval, better)})`;
}
