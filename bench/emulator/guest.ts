import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryConsole } from "../../src/device/console.ts";
import { EmulatorEngine } from "../../src/engine/emulator/engine.ts";
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
}

/** An AArch64 `hvt` image without devices in the emulator, in this process. @returns what it printed. */
export function runImage(
  path: string,
  words: readonly string[],
): { readonly text: string; readonly facts: GuestFacts } {
  const console = new MemoryConsole();
  const before = performance.now();
  const machine = new HvtMachine(new EmulatorEngine(MEMORY_BYTES), {
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
    machine.close();
    if (stop.type !== "exit" || stop.status !== 0) {
      throw new Error(`${path} ended with ${JSON.stringify(stop)}: ${console.text}`);
    }
    return { text: console.text, facts: { elapsedNs: (performance.now() - before) * 1e6 } };
  }
}

/**
 * KERNEL [ROUNDS [REPEATS]]: one kernel in the emulator, in this process. In place of a kernel's name, the path of an
 * AArch64 hvt image: the words behind it are the guest's.
 */
export function runGuest([name = "", ...words]: readonly string[]): void {
  const isImage = name.endsWith(".hvt");
  const { text, facts } = runImage(isImage ? name : KERNELS_IMAGE, isImage ? words : [name, ...words]);
  process.stdout.write(`${text}${JSON.stringify(facts)}\n`);
}
