// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Without what moves a terminal's cursor, changes its colours, or turns the direction of writing; on one line. */
export function plain(text: string): string {
  return text.replace(/[\t\n\r]+/g, " ").replace(CONTROLS, "\ufffd");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** For text and for attributes in quotation marks, in HTML and in SVG. */
export function html(text: string): string {
  return plain(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** For a cell of a table or a line of text. */
export function markdown(text: string): string {
  return plain(text).replace(/[\\`*_[\]<>|#&~!]/g, (character) => `\\${character}`);
}

/**
 * A field after RFC 4180. Text that a spreadsheet would run as a formula gets an apostrophe before it.
 */
export function csv(field: string | number | null | undefined): string {
  if (field === undefined || field === null) return "";
  if (typeof field === "number") return String(field);
  const text = plain(field);
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
