import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { coreHeader } from "../../src/format/core.ts";
import type { Architecture } from "../../src/format/image.ts";
import { parseImage } from "../../src/format/parse.ts";
import { run } from "../support/command.ts";
import { buildDebugImage } from "../support/debug-image.ts";
import { describeWith, program } from "../support/needs.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder();
const MEMORY_BYTES = 4 * 2 ** 20;
const SIGSEGV = 11;

const REGISTERS: Readonly<Record<Architecture, { readonly pc: string; readonly sp: string; readonly all: string[] }>> =
  {
    "x86-64": {
      pc: "rip",
      sp: "rsp",
      all: ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", ...Array.from({ length: 8 }, (_, i) => `r${i + 8}`)],
    },
    aarch64: { pc: "pc", sp: "sp", all: Array.from({ length: 31 }, (_, i) => `x${i}`) },
  };

/** A core of a guest that stands at the first instruction of `callee`, called from `caller`. */
function writeCore(architecture: Architecture, image: ReturnType<typeof buildDebugImage>) {
  const memory = new Uint8Array(MEMORY_BYTES);
  for (const { address, content } of parseImage(readFileSync(image.path)).segments) memory.set(content, address);
  const { pc, sp, all } = REGISTERS[architecture];
  const registers = new Map(all.map((name, index) => [name, 0x1000n * BigInt(index + 1)]));
  const stack = MEMORY_BYTES - 4096;
  // Behind the call in the caller, whose own frame nothing describes.
  const returnTo = BigInt(image.symbol("trap_end") + 8);
  registers.set(pc, BigInt(image.symbol("solo5_console_write"))).set(sp, BigInt(stack));
  if (architecture === "x86-64") new DataView(memory.buffer).setBigUint64(stack, returnTo, true);
  else registers.set("x30", returnTo);
  const core = { architecture, registers, signal: SIGSEGV, processId: 4242, memoryBytes: MEMORY_BYTES };
  const { bytes, memoryOffset } = coreHeader(core);
  expect(bytes.length).toBe(memoryOffset);
  const path = join(folder, `core.${architecture}`);
  writeFileSync(path, Buffer.concat([bytes, memory]));
  return { path, registers };
}

for (const [architecture, kit, debuggerName, debianPackage, compilerPackage] of [
  ["x86-64", "x86_64", "gdb", "gdb", "gcc-x86-64-linux-gnu"],
  ["aarch64", "aarch64", "gdb-multiarch", "gdb-multiarch", "gcc-aarch64-linux-gnu"],
] as const) {
  const gdb = process.arch === "arm64" && architecture === "x86-64" ? "gdb-multiarch" : debuggerName;
  const needs = [
    program(gdb, gdb === debuggerName ? debianPackage : gdb),
    program(`${kit}-linux-gnu-gcc`, compilerPackage),
    program("make", "make"),
  ];
  describeWith(needs, `a core file of ${architecture}`, () => {
    it("shows a debugger the registers, the memory and who called whom", () => {
      const image = buildDebugImage(join(folder, "build"), "protection", kit);
      const { path, registers } = writeCore(architecture, image);
      const { all } = REGISTERS[architecture];
      const commands = ["bt", ...all.map((name) => `printf "${name}=%#lx\\n", $${name}`)];
      const { stdout, stderr } = run(gdb, [
        "-nx",
        "-batch",
        ...commands.flatMap((one) => ["-ex", one]),
        image.path,
        path,
      ]);
      expect(stdout, stderr).toContain("Program terminated with signal SIGSEGV");
      expect(stdout, stderr).toContain("LWP 4242");
      expect(stdout, stderr).toMatch(/#0 {2}(0x[0-9a-f]+ in )?solo5_console_write /);
      expect(stdout, stderr).toMatch(/#1 {2}0x[0-9a-f]+ in trap_end /);
      for (const name of all) expect(stdout, stderr).toContain(`${name}=0x${registers.get(name)?.toString(16)}\n`);
    });
  });
}

describe("a core file", () => {
  it("has its memory at whole pages, and takes registers that nobody gave for 0", () => {
    for (const architecture of ["x86-64", "aarch64"] as const) {
      const core = { architecture, registers: new Map(), signal: 6, processId: 1, memoryBytes: MEMORY_BYTES };
      const { bytes, memoryOffset } = coreHeader(core);
      expect(memoryOffset % 4096).toBe(0);
      expect([...bytes.subarray(0, 4)]).toEqual([0x7f, 0x45, 0x4c, 0x46]);
    }
  });
});
