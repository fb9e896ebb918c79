/** What an emulated host reports on its console: one line each, JSON behind a mark, between whatever else is written there. */
export type HostEvent =
  | { readonly type: "pass" | "skip"; readonly name: string; readonly milliseconds: number }
  | { readonly type: "fail"; readonly name: string; readonly milliseconds: number; readonly reason: string }
  /** What a test has to tell, pass or fail. */
  | { readonly type: "note"; readonly text: string }
  | { readonly type: "end"; readonly status: number };

const MARK = "@skiff ";

export function formatEvent(event: HostEvent): string {
  return `${MARK}${JSON.stringify(event)}\n`;
}

/** The event that a line of the console tells; undefined for any other line. */
export function parseEvent(line: string): HostEvent | undefined {
  const start = line.indexOf(MARK);
  if (start < 0) return undefined;
  try {
    return JSON.parse(line.slice(start + MARK.length));
  } catch {
    return undefined;
  }
}
