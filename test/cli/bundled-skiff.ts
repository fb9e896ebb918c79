import { afterAll, beforeAll } from "vitest";
import { type Bundle, bundle } from "../bundle.ts";
import { type Ended, type Running, run, start } from "../support/command.ts";

/** The command line as it stands in `src/`, made into one file for the tests of a file. */
export interface BundledSkiff {
  /** Words that start it: Node's path and the file's. */
  readonly command: () => readonly [node: string, file: string];
  readonly run: (words: readonly string[], descriptors?: readonly number[]) => Ended;
  readonly start: (words: readonly string[]) => Running;
}

export function bundledSkiff(entry = "src/cli/main.ts"): BundledSkiff {
  let made: Bundle;
  beforeAll(async () => {
    made = await bundle(entry);
  });
  afterAll(() => made.remove());
  return {
    command: () => [process.execPath, made.path],
    run: (words, descriptors = []) => run(process.execPath, [made.path, ...words], { descriptors }),
    start: (words) => start(process.execPath, [made.path, ...words]),
  };
}

/** What a user's mistake must look like: one line, nothing on standard output, status 1. */
export function mistake(line: string, speaker = "skiff"): Ended {
  return { end: 1, stdout: "", stderr: `${speaker}: ${line}\n` };
}
