import { echoServer, linkOf, untilEchoes } from "./echo.ts";
import { memoryOf } from "./process-memory.ts";
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
    return { ...memoryOf(started.instance.pids()) };
  },
};
