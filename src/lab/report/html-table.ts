import { html } from "./escape.ts";

/** A cell: text to be escaped, or markup that is ready. */
export type HtmlCell = string | { readonly markup: string; readonly class?: string };

/**
 * A table that scrolls by itself where it is too wide; the first cell of a row is its heading.
 * @param head text.
 */
export function htmlTable(head: readonly string[], rows: readonly (readonly HtmlCell[])[], className = ""): string {
  const headings = head.map((text) => `<th scope="col">${html(text)}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.map((cell, index) => cellMarkup(cell, index === 0)).join("")}</tr>`);
  return [
    `<div class="scroll"><table class="${className}">`,
    `<thead><tr>${headings}</tr></thead>`,
    `<tbody>${body.join("\n")}</tbody>`,
    "</table></div>",
  ].join("\n");
}

function cellMarkup(cell: HtmlCell, isHeading: boolean): string {
  const markup = typeof cell === "string" ? html(cell) : cell.markup;
  const given = typeof cell === "string" ? undefined : cell.class;
  const attribute = given === undefined ? "" : ` class="${given}"`;
  return isHeading ? `<th scope="row"${attribute}>${markup}</th>` : `<td${attribute}>${markup}</td>`;
}

export function numberCell(text: string): HtmlCell {
  return { markup: html(text), class: "number" };
}

/** A list of lines of text; nothing for none. */
export function htmlList(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `<ul>${lines.map((line) => `<li>${html(line)}</li>`).join("\n")}</ul>`;
}
