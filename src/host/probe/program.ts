import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where system programs are that users' PATH may leave out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Path of an executable file on PATH or among the system's programs; undefined where there is none. */
export function findProgram(name: string, path: string = searchPath()): string | undefined {
  const folders = [...path.split(delimiter).filter((folder) => folder !== ""), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutableFile);
}

function searchPath(): string {
  const { PATH = "" } = process.env;
  return PATH;
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export interface ProgramResult {
  /** Exit status; null where a signal or the time limit ended it, or it could not be started. */
  readonly status: number | null;
  /** What it wrote to standard output and standard error, at most 16 KiB. */
  readonly output: string;
}

const OUTPUT_BYTES_MAX = 16 * 1024;

/** Runs a program without input. After the time limit it is killed with all that it started; never rejects. */
export function runProgram(path: string, args: readonly string[], limitMs: number): Promise<ProgramResult> {
  return new Promise((resolve) => {
    // A process group of its own, so that whatever it starts ends with it.
    const child = spawn(path, args, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const keep = (chunk: Buffer) => {
      if (bytes < OUTPUT_BYTES_MAX) chunks.push(chunk);
      bytes += chunk.length;
    };
    const finish = (status: number | null) => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ status, output: Buffer.concat(chunks).toString("utf8", 0, OUTPUT_BYTES_MAX) });
    };
    const timer = setTimeout(() => {
      endGroup(child.pid);
      finish(null);
    }, limitMs);
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", () => finish(null));
    child.on("close", finish);
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself in the meantime.
  }
}
