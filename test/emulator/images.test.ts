import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { MemoryConsole } from "../../src/device/console.ts";
import { EmulatorEngine } from "../../src/engine/emulator/engine.ts";
import { parseImage } from "../../src/format/parse.ts";
import { commandLine, HvtMachine, type MachineStop } from "../../src/monitor/hvt-machine.ts";

const IMAGES = resolve(import.meta.dirname, "../../guests/images/aarch64");
const NATIVE = resolve(import.meta.dirname, "../../guests/native", process.arch === "arm64" ? "aarch64" : "x86_64");
const MEMORY_BYTES = 32 * 2 ** 20;
const SLICE_NS = 5e9;

/** Runs an image of the kit in the interpreter; its clock stands still, and what it waits for comes at once. */
function run(name: string, ...args: string[]): { readonly stop: MachineStop; readonly text: string } {
  const image = parseImage(readFileSync(`${IMAGES}/${name}.hvt`));
  const console = new MemoryConsole();
  const engine = new EmulatorEngine(MEMORY_BYTES);
  const clock = { nowNs: () => 1_700_000_000_000_000_000n };
  const devices = { block: new Map(), net: new Map() };
  const machine = new HvtMachine(engine, { image, commandLine: commandLine(args), console, clock, ...devices });
  for (;;) {
    const stop = machine.run(SLICE_NS);
    if (stop.type !== "wait") return { stop, text: console.text };
    machine.endWait(0n);
  }
}

describe("an AArch64 image in the interpreter", () => {
  it("says hello, and gets its command line", () => {
    const { stop, text } = run("hello", "Hello,", "world");
    expect(stop).toMatchObject({ type: "exit", status: 0 });
    expect(text).toBe("Hello from a unikernel.\nCommand line: Hello, world\n");
  });

  it("ends with its own status", () => {
    for (const status of [0, 1, 42, 255]) expect(run("status", `${status}`).stop).toMatchObject({ status });
  });

  it("keeps thread-local storage", () => {
    expect(run("tls").stop).toMatchObject({ type: "exit", status: 0 });
  });

  it.each(["sieve", "crc32", "chase", "prime", "sha256", "matmul"])("computes what the native %s computes", (name) => {
    const { stop, text } = run(name, "1");
    expect(stop).toMatchObject({ type: "exit", status: 0 });
    const native = execFileSync(`${NATIVE}/${name}`, ["1"], { encoding: "utf8" });
    expect(checksum(text)).toBe(checksum(native));
  });
});

function checksum(output: string): string {
  const [, word] = / checksum=(\S+)/.exec(output) ?? [];
  if (word === undefined) throw new Error(`no checksum in: ${output}`);
  return word;
}
