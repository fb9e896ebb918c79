import { setTimeout } from "node:timers/promises";
import { SampleError } from "../lack.ts";
import { linkOf } from "./echo.ts";
import { lackOfProgram, pathOf } from "./installed.ts";
import type { Started, Taking, Workload } from "./workload.ts";

const PORT = 5201;
const READY = "Server listening on";
const LOOK_AGAIN_MS = 2;
const MS_PER_S = 1000;
const BYTES_PER_MB = 1e6;

const DIRECTIONS = [
  { metric: "to-server", title: "to the server", options: [] },
  { metric: "from-server", title: "from the server", options: ["--reverse"] },
] as const;

/** TCP's throughput by the program that the studies take; `throughput` has it for unikernels, too. */
export const IPERF3: Workload = {
  name: "iperf3",
  title: "Network: throughput by iperf3",
  description:
    "Debian's iperf3 on either side sends by one TCP connection, first one way, then the other; counted is what the receiver received, by its own clock.",
  metrics: DIRECTIONS.map(({ metric, title }) => ({
    name: metric,
    title,
    unit: "MB/s",
    better: "higher",
    compared: true,
  })),
  quick: false,
  network: true,
  lack: async () => lackOfProgram("iperf3", "iperf3"),
  program: () => ({
    kind: "host",
    name: "iperf3",
    path: pathOf("iperf3"),
    args: ["--server", "--port", String(PORT), "--forceflush"],
    reads: [],
    memoryMib: 64,
    port: PORT,
  }),
  sample: async (taking) => {
    const started = await taking.start();
    const { serverAddress } = linkOf(started);
    const seconds = Math.max(1, Math.round(taking.scale.sampleMs / DIRECTIONS.length / MS_PER_S));
    const values: Record<string, number> = {};
    for (const [run, { metric, options }] of DIRECTIONS.entries()) {
      await untilReady(started, taking, run + 1);
      const address = ["--client", serverAddress, "--port", String(PORT)];
      const args = [...address, "--json", "--time", String(seconds), ...options];
      const { stdout } = await taking.client.run(pathOf("iperf3"), args);
      values[metric] = parseIperf3(stdout);
    }
    return values;
  },
};

/** It says so before each run: a connection to try it with would be a run. */
async function untilReady({ instance }: Started, { leftMs }: Taking, runs: number): Promise<void> {
  while (instance.output().split(READY).length <= runs) {
    const ended = await instance.exited(LOOK_AGAIN_MS).catch(() => undefined);
    if (ended !== undefined) throw new SampleError(`ended: ${instance.output()}`);
    leftMs();
    await setTimeout(LOOK_AGAIN_MS);
  }
}

/**
 * Megabytes a second that the receiver received (`iperf3 --json`).
 * @throws SampleError where the report has an error or no such number.
 */
export function parseIperf3(output: string): number {
  const report = parseReport(output);
  const perSecond = report?.end?.sum_received?.bits_per_second;
  if (typeof perSecond !== "number" || !(perSecond > 0)) {
    throw new SampleError(`iperf3 tells nothing received: ${report?.error ?? output.slice(0, 200)}`);
  }
  return perSecond / 8 / BYTES_PER_MB;
}

interface Iperf3Report {
  readonly error?: string;
  readonly end?: { readonly sum_received?: { readonly bits_per_second?: unknown } };
}

function parseReport(output: string): Iperf3Report | null {
  try {
    return JSON.parse(output);
  } catch (cause) {
    throw new SampleError(`iperf3's report is no JSON: ${output.slice(0, 200)}`, { cause });
  }
}
