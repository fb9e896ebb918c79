import { SampleError } from "../lack.ts";
import { lackOfProgram, pathOf } from "./installed.ts";
import { outputOf } from "./kit-output.ts";
import type { Workload } from "./workload.ts";

const GROUPS = 4;
const PAIRS = 20;
const MESSAGE_BYTES = 100;
/** Messages from each sender to each receiver; on processors at hand a sample then takes about as long as it should. */
const LOOPS_PER_MS = 0.2;
const US_PER_S = 1e6;

/** Many processes that wake each other up. */
export const HACKBENCH: Workload = {
  name: "hackbench",
  title: "Scheduler: hackbench",
  description: `hackbench on one processor: ${GROUPS} groups of ${PAIRS} processes that send and ${PAIRS} that receive, each sender ${MESSAGE_BYTES} bytes to each receiver by sockets, again and again; by its own clock, without making the processes. Unikernels have no processes.`,
  metrics: [{ name: "message", title: "one message", unit: "µs", better: "lower", compared: true }],
  quick: false,
  network: false,
  lack: async () => lackOfProgram("hackbench", "rt-tests"),
  program: ({ sampleMs }) => ({
    kind: "host",
    name: "hackbench",
    path: pathOf("hackbench"),
    args: [
      "-P",
      ...["-g", String(GROUPS), "-f", String(PAIRS), "-s", String(MESSAGE_BYTES)],
      ...["-l", String(Math.max(1, Math.round(sampleMs * LOOPS_PER_MS)))],
    ],
    reads: [],
    memoryMib: 128,
  }),
  sample: async ({ start, leftMs }) => {
    const { instance } = await start();
    return { message: parseHackbench(await outputOf(instance, leftMs())) };
  },
};

/**
 * Microseconds a message: the line `Time`, in seconds, by the messages that all senders together sent. hackbench tells
 * its groups and messages itself, in the lines before; a receiver gets as many from each of the senders.
 * @throws SampleError where a line is not there.
 */
export function parseHackbench(output: string): number {
  const [groups, descriptors] = numbersIn(
    output,
    /^Running in \w+ mode with (\d+) groups using (\d+) file descriptors/m,
  );
  const [loops] = numbersIn(output, /^Each sender will pass (\d+) messages of \d+ bytes/m);
  const [seconds] = numbersIn(output, /^Time: ([\d.]+)/m);
  if (
    groups === undefined ||
    descriptors === undefined ||
    loops === undefined ||
    seconds === undefined ||
    seconds <= 0
  ) {
    throw new SampleError(`hackbench tells no time: ${output}`);
  }
  // Of each pair's two descriptors one is a sender's.
  const pairs = descriptors / 2;
  return (seconds * US_PER_S) / (groups * pairs * pairs * loops);
}

function numbersIn(output: string, pattern: RegExp): number[] {
  return (pattern.exec(output)?.slice(1) ?? []).map(Number);
}
