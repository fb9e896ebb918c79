import type { Ended } from "../support/command.ts";

/** What a tender's words give; lines of standard error without the usage and without the tender's name in front. */
export interface Outcome {
  readonly end: number | string;
  readonly stdout: string;
  readonly lines: readonly string[];
  readonly usage: boolean;
}

/** Where Skiff says the same by other words: those lines, and both end alike. */
export interface Case {
  readonly words: readonly string[];
  readonly outcome: Outcome;
  readonly ownWords?: true;
}

export const ATTACH_ALL = "All declared devices must be attached. See --help for syntax.";
export const NOT_DECLARED = (name: string) => `Resource not declared in manifest: '${name}'`;
export const INVALID = (option: string) => `Invalid option: \`${option}'`;

export function runs(words: string, stdout: string, end: number | string = 0): Case {
  return { words: words.split(" "), outcome: { end, stdout, lines: [], usage: false } };
}
export function refuses(words: string, ...lines: readonly string[]): Case {
  return { words: words.split(" "), outcome: { end: 1, stdout: "", lines, usage: false } };
}
/** An option that is not understood: the complaint, then the usage. */
export function misuses(option: string, rest: string, complaint?: string): Case {
  const lines = [...(complaint === undefined ? [] : [complaint]), INVALID(option)];
  return { words: [option, ...rest.split(" ")], outcome: { end: 1, stdout: "", lines, usage: true } };
}
export const inOwnWords = (one: Case): Case => ({ ...one, ownWords: true });

/** @param name what the tender calls itself. */
export function outcomeOf({ end, stdout, stderr }: Ended, name: string): Outcome {
  const [complaints = "", usage] = stderr.split(/^usage: /m);
  const lines = complaints.trimEnd().split("\n").filter(Boolean);
  return { end, stdout, lines: lines.map((line) => line.replace(`${name}: `, "")), usage: usage !== undefined };
}
