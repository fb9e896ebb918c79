import { readText } from "../../host/probe/text.ts";
import { type Lack, lack } from "../lack.ts";
import { numberIn, outputOf } from "./kit-output.ts";
import { arrayBytes, lackOfMemory } from "./stream-size.ts";
import type { Metric, Workload } from "./workload.ts";

const LOOPS = ["copy", "scale", "add", "triad"] as const;
const ARRAYS = 3;
const ELEMENT_BYTES = 8;
/** That the four loops together move for each element of an array. */
const BYTES_PER_ELEMENT = 16 + 16 + 24 + 24;
/** On memory at hand, so that a sample takes about as long as it should where the arrays are small enough. */
const BYTES_PER_MS = 1e7;
const REPETITIONS_MIN = 2;
const REPETITIONS_MAX = 10;
const MIB = 2 ** 20;
/** For program and stack. */
const PROGRAM_MIB = 4;
/** Bytes a nanosecond are GB/s. */
const MB_PER_GB = 1000;

const METRICS = LOOPS.map(
  (loop): Metric => ({
    name: loop,
    title: `${loop.charAt(0).toUpperCase()}${loop.slice(1)}`,
    unit: "MB/s",
    better: "higher",
    compared: true,
  }),
);

/** STREAM as it is defined, in one thread. */
export const STREAM = streamWorkload({ name: "stream", elements: "floating", threads: 1 });
/** More threads than an emulated or small machine has processors for are no measurement, and are not run. */
export const STREAM_4 = streamWorkload({ name: "stream-4", elements: "floating", threads: 4 });
export const STREAM_8 = streamWorkload({ name: "stream-8", elements: "floating", threads: 8 });
export const STREAM_INTEGER = streamWorkload({ name: "stream-integer", elements: "integer", threads: 1 });

interface Variant {
  readonly name: string;
  readonly elements: "floating" | "integer";
  readonly threads: number;
}

function streamWorkload({ name, elements, threads }: Variant): Workload {
  const program = elements === "floating" ? "stream" : "stream-integer";
  const inThreads = threads === 1 ? "in one thread" : `in ${threads} threads, each on a processor of its own`;
  return {
    name,
    title: `Memory bandwidth: ${threads === 1 ? "one thread" : `${threads} threads`}${elements === "integer" ? ", integers" : ""}`,
    description: `The four loops of STREAM from the kit ${inThreads}, over three arrays of ${elements === "floating" ? "floating point numbers" : "integers"}, each at least four times the last-level cache as the kernel tells it; the best repetition by the program's monotonic clock.`,
    metrics: METRICS,
    quick: false,
    network: false,
    lack: async ({ host, cores }) =>
      lackOfCores(threads, cores.servers.length) ??
      (elements === "integer" ? lackOfReason(host.kvm.state) : undefined) ??
      lackOfMemory(ARRAYS * arrayBytes(), readText("/proc/meminfo")),
    program: ({ sampleMs }) => {
      const count = Math.ceil(arrayBytes() / ELEMENT_BYTES);
      return {
        kind: "kit",
        name: program,
        args: [repetitionsFor(count, sampleMs), count, threads].map(String),
        memoryMib: Math.ceil((ARRAYS * count * ELEMENT_BYTES) / MIB) + PROGRAM_MIB,
      };
    },
    sample: async ({ start, leftMs }) => {
      const { instance } = await start(threads);
      return parseStream(await outputOf(instance, leftMs()), program);
    },
  };
}

/** MB/s of each loop in the output of the kit's program of that name. */
export function parseStream(output: string, program: string): Record<(typeof LOOPS)[number], number> {
  const rate = (loop: string) => {
    const line = `${program}: loop=${loop} `;
    return (numberIn(output, line, "bytes") / numberIn(output, line, "best_ns")) * MB_PER_GB;
  };
  return { copy: rate("copy"), scale: rate("scale"), add: rate("add"), triad: rate("triad") };
}

/** The first one is that in which memory is touched for the first time: of two, the best does not have it. */
export function repetitionsFor(elements: number, sampleMs: number): number {
  const fitting = Math.round((sampleMs * BYTES_PER_MS) / (elements * BYTES_PER_ELEMENT));
  return Math.min(REPETITIONS_MAX, Math.max(REPETITIONS_MIN, fitting));
}

function lackOfCores(threads: number, servers: number): Lack | undefined {
  if (servers >= threads) return undefined;
  return lack(
    `it needs ${threads} processors for its threads, and ${servers} of this host's are for servers: half of its cores`,
    `take a host with ${2 * threads} cores`,
  );
}

/** Where guests have floating point, this would tell no more than `stream`. */
function lackOfReason(kvm: string): Lack | undefined {
  return kvm === "emulated" ? undefined : lack("it is for a KVM without floating point; here stream has the numbers");
}
