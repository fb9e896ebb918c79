import { numberIn, outputOf } from "./kit-output.ts";
import type { Workload } from "./workload.ts";

/** On processors at hand, so that a sample takes about as long as it should. */
const EVENTS_PER_MS = 3;
const NS_PER_US = 1000;

/** The CPU test of sysbench, from the kit. */
export const PRIME: Workload = {
  name: "prime",
  title: "CPU: counting primes",
  description:
    "sysbench's CPU test from the kit counts the primes below 10,000 again and again; it times itself by its monotonic clock.",
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
    const output = await outputOf(instance, leftMs());
    return { event: numberIn(output, "prime:", "ns") / numberIn(output, "prime:", "iterations") / NS_PER_US };
  },
};
