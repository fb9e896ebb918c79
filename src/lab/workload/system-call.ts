import { numberIn, outputOf } from "./kit-output.ts";
import type { Workload } from "./workload.ts";

/** Few: natively they take a tenth of the sample's time, but an emulated machine takes a hundred times as long. */
const CALLS_PER_MS = 250;

/** The program's way to what is below it: a system call natively, a hypercall in a virtual machine. */
export const SYSTEM_CALL: Workload = {
  name: "system-call",
  title: "System call",
  description:
    "A program asks what is below it again and again, and times itself by its monotonic clock: a system call, or in a virtual machine a hypercall.",
  metrics: [
    { name: "poll", title: "ask the devices for news", unit: "ns", better: "lower", compared: true },
    { name: "clock", title: "ask the monotonic clock", unit: "ns", better: "lower", compared: true },
  ],
  quick: true,
  network: false,
  program: ({ sampleMs }) => ({
    kind: "kit",
    name: "transitions",
    args: [String(Math.max(1, Math.round(sampleMs * CALLS_PER_MS)))],
    memoryMib: 16,
  }),
  sample: async ({ start, leftMs }) => {
    const { instance } = await start();
    const output = await outputOf(instance, leftMs());
    const nsPerCall = (call: string) => {
      const line = `transitions: call=${call} `;
      return numberIn(output, line, "ns") / numberIn(output, line, "calls");
    };
    return { poll: nsPerCall("yield"), clock: nsPerCall("clock_monotonic") };
  },
};
