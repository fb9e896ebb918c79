import type { Workload } from "./workload.ts";

const NS_PER_MS = 1e6;

/** How long a program takes to come to life. */
export const START: Workload = {
  name: "start",
  title: "Start to first output",
  description:
    "From the execution of the command to the first byte of a program that writes one line, by the lab's clock; images and bundles are ready, page caches warm.",
  metrics: [{ name: "first-output", title: "exec to first output", unit: "ms", better: "lower", compared: true }],
  quick: true,
  network: false,
  program: () => ({ kind: "kit", name: "hello", args: [], memoryMib: 16 }),
  sample: async ({ start, leftMs }) => {
    const { instance } = await start();
    const firstNs = await instance.firstOutput(leftMs());
    return { "first-output": Number(firstNs - instance.startedNs) / NS_PER_MS };
  },
};
