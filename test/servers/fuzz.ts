import { spawnSync } from "node:child_process";

const RUN_LIMIT_MS = 220_000;

/** Runs a fuzzing program to its end, and gives its output; throws with its report where it fails. */
export function fuzz(harness: string, ...words: readonly string[]): string {
  const { status, signal, stdout, stderr, error } = spawnSync(harness, words, {
    encoding: "latin1",
    timeout: RUN_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${words.join(" ")}: ${status ?? signal}\n${stdout}${stderr}`);
  return stdout;
}
