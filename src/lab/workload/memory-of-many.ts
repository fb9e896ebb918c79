import { echoServer } from "./echo.ts";
import { startAnswering } from "./fleet.ts";
import { memoryOf } from "./process-memory.ts";
import type { Started, Workload } from "./workload.ts";

const INSTANCES = 16;

/** What an idle server costs in memory where there are more of them: what they share counts once. */
export const MEMORY_OF_MANY: Workload = {
  name: "memory-of-many",
  title: `Memory of ${INSTANCES} idle servers`,
  description: `${INSTANCES} of the kit's echo servers, one started after the other's first answer: memory of all their processes by /proc/PID/smaps_rollup, shared pages in shares, divided by their number.`,
  metrics: [{ name: "each", title: "each, shared pages in shares", unit: "KiB", better: "lower", compared: true }],
  quick: false,
  network: true,
  program: () => echoServer(),
  sample: async (taking) => {
    const servers: Started[] = [];
    while (servers.length < INSTANCES) servers.push(await startAnswering(taking, taking.leftMs()));
    return { each: memoryOf(servers.flatMap(({ instance }) => instance.pids())).proportional / INSTANCES };
  },
};
