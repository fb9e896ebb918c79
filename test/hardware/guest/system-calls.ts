import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const TIME_LIMIT_MS = 120_000;
/** A shell's word for a process that a signal ended. */
const SIGNAL_STATUS = 128;
const SIGSYS = 31;

/** What became of one system call that a guest made. */
export type Outcome =
  | { readonly end: "killed" }
  | { readonly end: "returned"; readonly result: number }
  | { readonly end: "exited"; readonly status: number };

/**
 * Runs the kit's system call probe once for each line of arguments, `[int80] NUMBER [ARGUMENT ...]`, from a shell: it starts a
 * process far faster than Node in an emulated host.
 */
export function trySystemCalls(probe: string, lines: readonly string[], descriptors: readonly number[]): Outcome[] {
  const list = `${probe}.list`;
  writeFileSync(list, lines.map((line) => `${line}\n`).join(""));
  const loop = 'while read -r words; do "$0" $words </dev/null; echo "status $?"; done <"$1"';
  const shell = spawnSync("sh", ["-c", loop, probe, list], {
    stdio: ["ignore", "pipe", "ignore", ...descriptors],
    encoding: "utf8",
    maxBuffer: 16 << 20,
    timeout: TIME_LIMIT_MS,
  });
  if (shell.error !== undefined) throw shell.error;
  const outputs = shell.stdout.match(/.*?^status \d+\n/gms) ?? [];
  if (outputs.length !== lines.length) throw new Error(`${lines.length} calls tried, ${outputs.length} ends seen`);
  return outputs.map((output, index) => readOutcome(output, lines[index] ?? ""));
}

function readOutcome(output: string, line: string): Outcome {
  const number = line.split(" ").find((word) => /^-?\d/.test(word));
  if (!output.includes(`calling ${number}\n`)) throw new Error(`the call of '${line}' was not made: ${output}`);
  const result = /^result (-?\d+)$/m.exec(output);
  const status = Number(/^status (\d+)$/m.exec(output)?.[1]);
  if (result !== null && status === 0) return { end: "returned", result: Number(result[1]) };
  return status === SIGNAL_STATUS + SIGSYS ? { end: "killed" } : { end: "exited", status };
}
