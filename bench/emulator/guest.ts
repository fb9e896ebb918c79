import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryConsole } from "../../src/device/console.ts";
import { EmulatorEngine } from "../../src/engine/emulator/engine.ts";
import type { InstructionCounts, ProcessorOptions } from "../../src/engine/emulator/processor/processor.ts";
import { parseImage } from "../../src/format/parse.ts";
import { commandLine, HvtMachine } from "../../src/monitor/hvt-machine.ts";
import { ROOT } from "../support/report.ts";

const IMAGES = join(ROOT, "guests/images/aarch64");
export const KERNELS_IMAGE = join(IMAGES, "kernels.hvt");
export const HELLO_IMAGE = join(IMAGES, "hello.hvt");
const MEMORY_BYTES = 32 * 2 ** 20;

/** What this process tells of a guest, in the last line that it prints. */
export interface GuestFacts {
  readonly elapsedNs: number;
  /** Where they were counted. */
  readonly instructions: { readonly interpreted: number; readonly translated: number } | undefined;
}

/** An AArch64 `hvt` image without devices in the emulator, in this process. @returns what it printed. */
export function runImage(
  path: string,
  words: readonly string[],
  options: ProcessorOptions = {},
): { readonly text: string; readonly facts: GuestFacts } {
  const console = new MemoryConsole();
  const before = performance.now();
  const engine = new EmulatorEngine(MEMORY_BYTES, undefined, options);
  const machine = new HvtMachine(engine, {
    image: parseImage(readFileSync(path)),
    commandLine: commandLine(words),
    console,
    clock: { nowNs: () => BigInt(Date.now()) * 1_000_000n },
    block: new Map(),
    net: new Map(),
  });
  for (;;) {
    const stop = machine.run();
    if (stop.type === "interrupted") continue;
    const elapsedNs = (performance.now() - before) * 1e6;
    const instructions = options.counts === true ? numbers(engine.instructionCounts) : undefined;
    machine.close();
    if (stop.type === "exit" && stop.status === 0) return { text: console.text, facts: { elapsedNs, instructions } };
    throw new Error(`${path} ended with ${JSON.stringify(stop)}: ${console.text}`);
  }
}

const numbers = ({ interpreted, translated }: InstructionCounts) => ({
  interpreted: Number(interpreted),
  translated: Number(translated),
});

/**
 * [--interpret] [--count] KERNEL [ROUNDS [REPEATS]]: one kernel in the emulator, in this process. In place of a kernel's
 * name, the path of an AArch64 hvt image: the words behind it are the guest's.
 */
export function runGuest(words: readonly string[]): void {
  const options: ProcessorOptions = {
    translation: words.includes("--interpret") ? "none" : "hot",
    counts: words.includes("--count"),
  };
  const [name = "", ...guestWords] = words.filter((word) => !word.startsWith("--"));
  const isImage = name.endsWith(".hvt");
  const { text, facts } = runImage(
    isImage ? name : KERNELS_IMAGE,
    isImage ? guestWords : [name, ...guestWords],
    options,
  );
  process.stdout.write(`${text}${JSON.stringify(facts)}\n`);
}
