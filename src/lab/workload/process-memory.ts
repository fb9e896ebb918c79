import { readFileSync } from "node:fs";
import { SampleError } from "../lack.ts";

/** Memory in KiB: with shared pages in full for each process, and in shares. */
export interface ProcessMemory {
  readonly resident: number;
  readonly proportional: number;
}

/**
 * Of processes together. The mappings' sums are exact, where /proc/PID/status counts in batches of pages a core.
 * @throws SampleError where there is none.
 */
export function memoryOf(pids: readonly number[]): ProcessMemory {
  if (pids.length === 0) throw new SampleError("its processes cannot be seen");
  const rollups = pids.map(readRollup);
  const sum = (field: "Rss" | "Pss") =>
    rollups.reduce((sum, text) => sum + Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0), 0);
  return { resident: sum("Rss"), proportional: sum("Pss") };
}

/** Empty for a process that has ended since; a kernel thread and a zombie have no memory. */
function readRollup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch {
    return "";
  }
}
