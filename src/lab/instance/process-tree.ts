import { readdirSync, readFileSync } from "node:fs";

/** A process, told from a later one of the same number by its start. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly group: number;
  /** In clock ticks since the host started. */
  readonly startTicks: string;
}

/**
 * A process and all its descendants that are there now, it first; and, where it has a mark, those that lost their parent
 * and became this process's children: it is their subreaper, and knows them by the mark in their environment.
 * @param mark `NAME=VALUE`, in the environment with which the process was started.
 */
export function familyOf(root: number, mark?: string): number[] {
  const children = childrenByParent();
  const orphans = mark === undefined ? [] : (children.get(process.pid) ?? []).filter((pid) => carries(pid, mark));
  const found = new Set([root, ...orphans]);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    const parent = Number.isInteger(pid) ? Number(readStat(pid)?.[PARENT]) : Number.NaN;
    if (Number.isNaN(parent)) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  return children;
}

function carries(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(mark);
  } catch {
    return false;
  }
}

/** Undefined for a process that has ended and been reaped. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, group: Number(stat[GROUP]), startTicks: stat[START] ?? "" };
}

/** Whether it is there, if only to be reaped. */
export function isThere({ pid, startTicks }: ProcessIdentity): boolean {
  return identify(pid)?.startTicks === startTicks;
}

/** Places in /proc/pid/stat from the state on (proc(5)). */
const PARENT = 1;
const GROUP = 2;
const START = 19;

/** The fields from the state on: the name before may hold spaces and brackets. */
function readStat(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/**
 * Stops processes until none is new, so that none is started behind the back of what kills them.
 * @param list the processes that are there now.
 */
export function freeze(list: () => readonly number[]): ProcessIdentity[] {
  const frozen = new Map<number, ProcessIdentity>();
  for (;;) {
    const fresh = list().filter((pid) => !frozen.has(pid));
    if (fresh.length === 0) return [...frozen.values()];
    for (const pid of fresh) {
      const identity = identify(pid);
      if (identity !== undefined) signalIfThere(pid, "SIGSTOP");
      frozen.set(pid, identity ?? { pid, group: pid, startTicks: "" });
    }
  }
}

/** A process or group (negative) that has ended in the meantime is no error. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

export function killIfThere(pid: number): void {
  signalIfThere(pid, "SIGKILL");
}
