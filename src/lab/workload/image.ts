import { imageKind } from "../image-kind.ts";
import { SampleError } from "../lack.ts";
import { untilAccepts } from "./accepting.ts";
import { memoryOf, type ProcessMemory } from "./process-memory.ts";
import type { Metric, Started, Taking, Workload } from "./workload.ts";

/** What is asked of images of one's own; a plan keeps it, so that a run can be gone on with. */
export interface ImageRequest {
  /** Absolute paths: forms of one program, e.g. for different ABIs. */
  readonly paths: readonly string[];
  /** The words of its command line, in which `<address>` and `<ip>` stand for its address with and without bits. */
  readonly words: readonly string[];
  /** The TCP port that it serves; null where none is asked. */
  readonly port: number | null;
  readonly memoryMib: number;
}

const NS_PER_MS = 1e6;
const BYTES_PER_KIB = 1024;

const FIRST_OUTPUT = compared("first-output", "exec to first output", "ms");
const FIRST_ANSWER = compared("first-answer", "exec to first accepted connection", "ms");
const MEMORY = compared("proportional", "memory after that, shared pages in shares", "KiB");
const SIZE: Metric = { name: "size", title: "image", unit: "KiB", better: "lower", compared: false };

function compared(name: string, title: string, unit: string): Metric {
  return { name, title, unit, better: "lower", compared: true };
}

/**
 * What can be told of any image.
 * @throws UsageError where a file is none.
 */
export function imageWorkload({ paths, words, port, memoryMib }: ImageRequest): Workload {
  const hasNet = paths.map(imageKind).some((found) => found.kind === "solo5" && declaresNet(found.image.manifest));
  const first = port === null ? FIRST_OUTPUT : FIRST_ANSWER;
  const end =
    port === null ? "the first byte that it writes" : `the first connection that it accepts at TCP port ${port}`;
  return {
    name: "image",
    title: "Image of one's own",
    description: `${paths.join(", ")}: from the execution of the command to ${end}, by the lab's clock, and its memory then; targets are held against the first of them.`,
    metrics: [first, MEMORY, SIZE],
    quick: true,
    network: hasNet || port !== null,
    program: () => ({
      kind: "image",
      name: "image",
      paths,
      args: words,
      memoryMib,
      ...(port === null ? {} : { port }),
    }),
    sample: async (taking) => {
      const started = await taking.start();
      const firstNs =
        port === null ? await started.instance.firstOutput(taking.leftMs()) : await untilAccepts(taking, started, port);
      const memory = memoryIfThere(started, taking);
      return {
        [first.name]: Number(firstNs - started.instance.startedNs) / NS_PER_MS,
        ...(memory === undefined ? {} : { [MEMORY.name]: memory.proportional }),
        [SIZE.name]: started.imageBytes / BYTES_PER_KIB,
      };
    },
  };
}

function declaresNet({ devices }: { readonly devices: readonly { readonly type: string }[] }): boolean {
  return devices.some(({ type }) => type === "net");
}

/** An image may have ended with its first output. */
function memoryIfThere({ instance }: Started, { note }: Taking): ProcessMemory | undefined {
  try {
    const memory = memoryOf(instance.pids());
    if (memory.proportional > 0) return memory;
  } catch (error) {
    if (!(error instanceof SampleError)) throw error;
  }
  note("it had ended before its memory could be looked at");
  return undefined;
}
