import { SampleError } from "../lack.ts";
import { lackOfProgram, pathOf } from "./installed.ts";
import { outputOf } from "./kit-output.ts";
import type { Workload } from "./workload.ts";

const PRIME_MAX = 10_000;
/** On processors at hand, so that a sample takes about as long as it should. */
const EVENTS_PER_MS = 1;
const US_PER_S = 1e6;

/** sysbench's own CPU test; `prime` is the kit's, which unikernels can run, too. */
export const SYSBENCH: Workload = {
  name: "sysbench",
  title: "CPU: sysbench",
  description: `Debian's sysbench counts the primes below ${PRIME_MAX} again and again in one thread (sysbench cpu); it times itself by its monotonic clock.`,
  metrics: [{ name: "event", title: "one count", unit: "µs", better: "lower", compared: true }],
  quick: false,
  network: false,
  lack: async () => lackOfProgram("sysbench", "sysbench"),
  program: ({ sampleMs }) => ({
    kind: "host",
    name: "sysbench",
    path: pathOf("sysbench"),
    // No limit of time: a count of its own would be cut short at its end.
    args: [
      "cpu",
      `--cpu-max-prime=${PRIME_MAX}`,
      "--threads=1",
      "--time=0",
      `--events=${Math.max(1, Math.round(sampleMs * EVENTS_PER_MS))}`,
      "run",
    ],
    reads: [],
    memoryMib: 64,
  }),
  sample: async ({ start, leftMs }) => {
    const { instance } = await start();
    return { event: parseSysbench(await outputOf(instance, leftMs())) };
  },
};

/**
 * Microseconds that an event took: the rate of sysbench's line `events per second`.
 * @throws SampleError where there is none.
 */
export function parseSysbench(output: string): number {
  const rate = Number(/^\s*events per second:\s+([\d.]+)\s*$/m.exec(output)?.[1]);
  if (!(rate > 0)) throw new SampleError(`sysbench tells no events per second: ${output}`);
  return US_PER_S / rate;
}
