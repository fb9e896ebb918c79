import { readFileSync } from "node:fs";

/** Resident memory of a process: `VmRSS` of /proc/PID/status is counted in batches of pages a core; the sum over the mappings is exact. */
export function residentKib(pid: number): number {
  const match = /^Rss:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  if (match === null) throw new Error(`process ${pid} has ended`);
  return Number(match[1]);
}
