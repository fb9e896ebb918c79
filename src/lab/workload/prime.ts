import { SampleError } from "../lack.ts";
import type { Workload } from "./workload.ts";

/** Events a millisecond on processors at hand, so that a sample takes about as long as it should. */
const EVENTS_PER_MS = 3;

/** The CPU test of sysbench, from the kit. */
export const PRIME: Workload = {
  name: "prime",
  title: "CPU: counting primes",
  description:
    "sysbench's CPU test from the kit: counts the primes below 10,000 again and again; the program times itself by its monotonic clock.",
  metrics: [{ name: "event", title: "one count", unit: "µs", better: "lower", compared: true }],
  quick: true,
  network: false,
  program: ({ sampleMs }) => ({
    kind: "kit",
    name: "prime",
    args: [String(Math.max(1, Math.round(sampleMs * EVENTS_PER_MS)))],
    memoryMib: 16,
  }),
  sample: async ({ start, leftMs }) => {
    const { instance } = await start();
    const { exit } = await instance.exited(leftMs());
    const match = /^prime: iterations=(\d+) checksum=\S+ ns=(\d+)/m.exec(instance.output());
    if (!("status" in exit) || exit.status !== 0 || match === null) {
      throw new SampleError(`prime ended without its line: ${instance.output().trim()}`);
    }
    return { event: Number(match[2]) / Number(match[1]) / 1000 };
  },
};
