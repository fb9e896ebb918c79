import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");

export interface SkiffResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line to its end, from the project's root. */
export function skiff(...args: readonly string[]): SkiffResult {
  return runToEnd(process.execPath, [join(ROOT, "dist/skiff.cjs"), ...args]);
}

/** Runs a script of bash's to its end, from the project's root, with Node's path as `$1` and the arguments from `$2` on. */
export function bash(script: string, ...args: readonly string[]): SkiffResult {
  return runToEnd("bash", ["-c", script, "bash", process.execPath, ...args]);
}

function runToEnd(program: string, args: readonly string[]): SkiffResult {
  // Where this variable is set, every start of Node 20 reads the whole certificate store.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    env,
    encoding: "utf8",
    timeout: 30_000,
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}
