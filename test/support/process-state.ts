import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** What Linux shows of a process (proc(5)). */
export interface ProcessState {
  readonly status: ReadonlyMap<string, string>;
  /** By number. */
  readonly descriptors: ReadonlyMap<number, OpenDescriptor>;
  readonly mappings: readonly Mapping[];
  readonly environment: string;
  /** Words of the command line, as `ps` shows them. */
  readonly words: readonly string[];
  readonly name: string;
  readonly executable: string;
  /** Soft and hard limit of open files. */
  readonly openFiles: readonly [soft: string, hard: string];
}

export interface OpenDescriptor {
  readonly target: string;
  /** `O_…` as in fdinfo; close-on-exec is 0o2000000. */
  readonly flags: number;
}

export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** e.g. `r-xp` */
  readonly rights: string;
  readonly name: string;
}

export function readProcess(pid: number): ProcessState {
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8");
  const lines = (file: string) => read(file).trim().split("\n");
  const numbers = readdirSync(`/proc/${pid}/fd`).map(Number);
  const [, soft = "", hard = ""] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(read("limits")) ?? [];
  return {
    status: new Map(lines("status").map((line) => line.split(":\t").map((part) => part.trim()) as [string, string])),
    descriptors: new Map(numbers.sort((a, b) => a - b).map((number) => [number, readDescriptor(pid, number)])),
    mappings: lines("maps").map(readMapping),
    environment: read("environ"),
    words: read("cmdline").split("\0").slice(0, -1),
    name: read("comm").trim(),
    executable: readlinkSync(`/proc/${pid}/exe`),
    openFiles: [soft, hard],
  };
}

function readDescriptor(pid: number, number: number): OpenDescriptor {
  const [, flags = ""] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${number}`, "utf8")) ?? [];
  return { target: readlinkSync(`/proc/${pid}/fd/${number}`), flags: Number.parseInt(flags, 8) };
}

function readMapping(line: string): Mapping {
  const [range = "", rights = "", , , , ...name] = line.split(/ +/);
  const [start = Number.NaN, end = Number.NaN] = range.split("-").map((address) => Number.parseInt(address, 16));
  return { start, end, rights, name: name.join(" ") };
}

/** Whether the text stands anywhere in the process' memory that can be read. */
export function memoryHolds(pid: number, text: string): boolean {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    return readProcess(pid).mappings.some(({ start, end, rights, name }) => {
      // The kernel's own pages of the clock cannot be read by others.
      if (!rights.startsWith("r") || name.startsWith("[v")) return false;
      const bytes = Buffer.alloc(end - start);
      const count = readSync(memory, bytes, 0, bytes.length, start);
      return bytes.subarray(0, count).includes(text);
    });
  } finally {
    closeSync(memory);
  }
}

/** Descriptors of this process, by number and target. */
export function ownDescriptors(): ReadonlyMap<number, string> {
  const entries = readdirSync("/proc/self/fd").map(Number);
  return new Map(
    entries.flatMap((number): [number, string][] => {
      try {
        return [[number, readlinkSync(`/proc/self/fd/${number}`)]];
      } catch {
        // The descriptor by which the folder was read.
        return [];
      }
    }),
  );
}

/** `epoll_pwait`, in which guests wait. */
const WAIT_CALL = process.arch === "arm64" ? "22" : "281";
const LOOK_AGAIN_MS = 2;
const WAIT_LIMIT_MS = 20_000;

/** Resolves once the process has become a guest and waits; rejects where it ends, or does not come to it. */
export async function untilWaiting(pid: number): Promise<void> {
  const end = Date.now() + WAIT_LIMIT_MS;
  while (Date.now() < end) {
    const [call] = readFileSync(`/proc/${pid}/syscall`, "utf8").split(" ");
    // Node waits by that call too, but under no filter.
    if (call === WAIT_CALL && readProcess(pid).status.get("Seccomp") === "2") return;
    await setTimeout(LOOK_AGAIN_MS);
  }
  throw new Error(`process ${pid} does not wait as a guest does`);
}
