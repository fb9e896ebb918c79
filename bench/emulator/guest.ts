import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryConsole } from "../../src/device/console.ts";
import { EmulatorEngine } from "../../src/engine/emulator/engine.ts";
import { parseImage } from "../../src/format/parse.ts";
import { commandLine, HvtMachine } from "../../src/monitor/hvt-machine.ts";
import { ROOT } from "../support/report.ts";

export const IMAGES = join(ROOT, "guests/images/aarch64");
const MEMORY_BYTES = 32 * 2 ** 20;

/** An AArch64 `hvt` image without devices in the emulator, in this process. @returns what it printed. */
export function runImage(path: string, words: readonly string[]): string {
  const console = new MemoryConsole();
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
    if (stop.type === "exit" && stop.status === 0) return console.text;
    throw new Error(`${path} ended with ${JSON.stringify(stop)}: ${console.text}`);
  }
}
