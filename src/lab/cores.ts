import { readdirSync, readFileSync } from "node:fs";
import type { Lack } from "./lack.ts";
import { lack } from "./lack.ts";

/** Processors by the kernel's numbers. The two lists have none in common. */
export interface CorePlan {
  /** For instances; the first is the one that a single-threaded instance gets. */
  readonly servers: readonly number[];
  /** For clients, and for the lab itself. */
  readonly clients: readonly number[];
}

/** A processor with the numbers of all threads of its core, itself included. */
export interface CoreTopology {
  readonly cpu: number;
  readonly siblings: readonly number[];
}

/**
 * Divides the processors: whole cores to either side, so that no client runs on a server's hyper-thread; the upper half
 * to the servers, since interrupts prefer the lower ones.
 * @returns undefined where there is but one core.
 */
export function planCores(topology: readonly CoreTopology[]): CorePlan | undefined {
  const allowed = new Set(topology.map(({ cpu }) => cpu));
  const cores = new Map<number, number[]>();
  for (const { cpu, siblings } of topology) {
    const threads = [...new Set([cpu, ...siblings])].filter((thread) => allowed.has(thread)).sort((a, b) => a - b);
    cores.set(threads[0] ?? cpu, threads);
  }
  const byFirst = [...cores].sort(([a], [b]) => a - b).map(([, threads]) => threads);
  if (byFirst.length < 2) return undefined;
  const half = byFirst.length >> 1;
  return { clients: firstThreads(byFirst.slice(0, half)), servers: firstThreads(byFirst.slice(half)) };
}

/** First thread of each core before the second ones: threads of a workload get cores of their own while there are any. */
function firstThreads(cores: readonly (readonly number[])[]): number[] {
  const most = Math.max(...cores.map((threads) => threads.length));
  return Array.from({ length: most }, (_, rank) => cores.flatMap((threads) => threads[rank] ?? [])).flat();
}

/** The processors on which this process may run, from sysfs. */
export function readTopology(status: string = readFileSync("/proc/self/status", "utf8")): CoreTopology[] {
  return allowedCores(status).map((cpu) => ({ cpu, siblings: readSiblings(cpu) }));
}

function readSiblings(cpu: number): number[] {
  try {
    return parseCoreList(readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, "utf8"));
  } catch {
    return [cpu];
  }
}

/** `Cpus_allowed_list` of the text of a /proc/PID/status. */
export function allowedCores(status: string): number[] {
  return parseCoreList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? "");
}

/** Numbers of a list such as `0-2,5` (cpuset(7), "List format"). */
export function parseCoreList(text: string): number[] {
  return text
    .trim()
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first = Number.NaN, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/**
 * Holds every thread of the processes against the cores that they were given.
 * @returns what is wrong, or undefined. A process or thread that has ended in the meantime is none.
 */
export function checkCores(pids: readonly number[], cores: readonly number[]): Lack | undefined {
  const given = new Set(cores);
  for (const pid of pids) {
    for (const status of readThreads(pid)) {
      const strays = allowedCores(status).filter((cpu) => !given.has(cpu));
      if (strays.length === 0) continue;
      const name = /^Name:\s*(.+)$/m.exec(status)?.[1] ?? "a thread";
      return lack(`${name} (process ${pid}) may run on processor ${strays.join(", ")}, given are ${cores.join(", ")}`);
    }
  }
  return undefined;
}

function readThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      try {
        return [readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
