/** A processor at EL1 that runs assembly on bare memory. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GUEST_ADDRESS } from "../../src/engine/emulator/layout.ts";
import { Processor, type ProcessorOptions } from "../../src/engine/emulator/processor/processor.ts";
import type { Requirement } from "../guests/requirement.ts";

export const ASSEMBLER: Requirement = ["aarch64-linux-gnu-as", "binutils-aarch64-linux-gnu"];

const MEMORY_BYTES = 16 * 2 ** 20;
/** The code in the first block, the stack and data in the others. */
const BLOCK_BYTES = 2 ** 21;
const CODE_ADDRESS = 0x1000;
export const DATA_ADDRESS = BLOCK_BYTES;
const STACK_ADDRESS = MEMORY_BYTES - 4096;
export const TABLES = { root: 0x10_0000, blocks: 0x10_1000 } as const;
/** A store there ends the program. */
export const STOP_ADDRESS = 2 ** 32;
const COUNTER_HZ = 1_000_000;
const SYSTEM_REGISTERS = {
  mair_el1: 0xffn,
  // The lower half alone, 33 bits of virtual and 40 of physical address.
  tcr_el1: 31n | (1n << 23n) | (2n << 32n),
  ttbr0_el1: BigInt(TABLES.root),
  cpacr_el1: 3n << 20n,
  sctlr_el1: 1n,
} as const;
const PSTATE = 0x3c5n;

/** @param folder where files are written. @returns the words of a program that begins at the code's address. */
function assemble(source: string, folder: string): Uint8Array {
  const [text, object, binary] = ["program.s", "program.o", "program.bin"].map((name) => join(folder, name));
  if (text === undefined || object === undefined || binary === undefined) throw new Error("no file");
  writeFileSync(text, `${source}\n`);
  const run = (program: string, args: readonly string[]) => {
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${program}: ${stderr}`);
  };
  run("aarch64-linux-gnu-as", ["-march=armv8-a+lse", "-o", object, text]);
  run("aarch64-linux-gnu-objcopy", ["-O", "binary", object, binary]);
  return readFileSync(binary);
}

/** Ends the program; X16 is lost. */
export const STOP = `mov x16, #${STOP_ADDRESS}\n str wzr, [x16]`;

export function loadProgram(source: string, folder: string, options: ProcessorOptions): Processor {
  const bus = { load: () => undefined, store: () => "stop" as const };
  const processor = new Processor(MEMORY_BYTES, bus, COUNTER_HZ, () => 0, options);
  const { bytes, view } = processor.memory;
  bytes.set(assemble(source, folder), GUEST_ADDRESS + CODE_ADDRESS);
  const write = (table: number, index: number, descriptor: bigint) =>
    view.setBigUint64(GUEST_ADDRESS + table + 8 * index, descriptor, true);
  write(TABLES.root, 0, BigInt(TABLES.blocks) | 3n);
  write(TABLES.root, STOP_ADDRESS / 2 ** 30, BigInt(STOP_ADDRESS) | 0x401n);
  for (let index = 0; index < MEMORY_BYTES / BLOCK_BYTES; index++) {
    write(TABLES.blocks, index, BigInt(index * BLOCK_BYTES) | 0x401n);
  }
  for (const [name, value] of Object.entries(SYSTEM_REGISTERS)) {
    processor.setSystemRegister(name as keyof typeof SYSTEM_REGISTERS, value);
  }
  processor.pstate = PSTATE;
  processor.setRegister(31, BigInt(STACK_ADDRESS));
  processor.pc = BigInt(CODE_ADDRESS);
  return processor;
}

/** Runs to the end. @returns the number of turns. @throws where there are more than so many. */
export function runToEnd(processor: Processor, budget: number, turnsMax: number): number {
  for (let turn = 1; turn <= turnsMax; turn++) if (processor.run(budget) === "stopped") return turn;
  throw new Error(`not at its end after ${turnsMax} turns, at 0x${processor.pc.toString(16)}`);
}
