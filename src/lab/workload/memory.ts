import { readFileSync } from "node:fs";
import { SampleError } from "../lack.ts";
import { echoServer, linkOf, untilEchoes } from "./echo.ts";
import type { Workload } from "./workload.ts";

/** What one idle server costs in memory. */
export const MEMORY: Workload = {
  name: "memory",
  title: "Memory of one idle server",
  description:
    "The kit's echo server after its first answer: memory of all its processes, the monitor's or runtime's included, by /proc/PID/smaps_rollup.",
  metrics: [
    { name: "resident", title: "resident", unit: "KiB", better: "lower", compared: true },
    { name: "proportional", title: "shared pages in shares", unit: "KiB", better: "lower", compared: true },
  ],
  quick: false,
  network: true,
  program: () => echoServer(),
  sample: async (taking) => {
    const started = await taking.start();
    await untilEchoes(taking, linkOf(started));
    const pids = started.instance.pids();
    if (pids.length === 0) throw new SampleError("its processes cannot be seen");
    return { resident: sumKib(pids, "Rss"), proportional: sumKib(pids, "Pss") };
  },
};

/** The mappings' sums are exact, where /proc/PID/status counts in batches of pages a core. */
function sumKib(pids: readonly number[], field: "Rss" | "Pss"): number {
  let sum = 0;
  for (const pid of pids) sum += Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readRollup(pid))?.[1] ?? 0);
  return sum;
}

/** Empty for a process that has ended since; a kernel thread and a zombie have no memory. */
function readRollup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch {
    return "";
  }
}
