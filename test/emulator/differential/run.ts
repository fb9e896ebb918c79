/** Runs a program of cases on QEMU and in the emulator. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { disassemble } from "../../../src/engine/emulator/instruction/disassemble.ts";
import { GUEST_ADDRESS } from "../../../src/engine/emulator/layout.ts";
import { Processor, type ProcessorOptions } from "../../../src/engine/emulator/processor/processor.ts";
import { ENTRY_ADDRESS, IMAGE_ADDRESS, type Program } from "./program.ts";

/** Of the emulator's guest; the program lies in it where it lies on Linux. */
const MEMORY_BYTES = 64 * 2 ** 20;
const VECTORS_ADDRESS = 0x10000;
/** Two levels of tables: without the MMU all memory would be that of devices, where what is not aligned faults. */
const TABLES = { root: 0x12000, blocks: 0x13000 } as const;
const MMU = {
  // The lower half alone, 33 bits of virtual and 40 of physical address.
  tcr: 31n | (1n << 23n) | (2n << 32n),
  mair: 0xffn,
  on: 1n,
  table: 3n,
  blockOfEl1: 0x401n,
  blockOfEl0: 0x441n,
  rootBlockBytes: 2 ** 30,
  blockBytes: 2 ** 21,
} as const;
/** EL0, everything masked. */
const PSTATE = 0x3c0n;
/** Outside the memory: a store there stops the processor. */
const STOP_ADDRESS = 0x1_0000_0000;
const TURNS_MAX = 100_000;
const QEMU_TIMEOUT_MS = 120_000;

export function runOnQemu({ bytes, results }: Program, folder: string): Uint8Array {
  const [file, output] = [join(folder, "cases"), join(folder, "output")];
  writeFileSync(file, bytes, { mode: 0o755 });
  const descriptor = openSync(output, "w");
  const { status, signal, stderr } = spawnSync("qemu-aarch64", ["-cpu", "max", file], {
    stdio: ["ignore", descriptor, "pipe"],
    timeout: QEMU_TIMEOUT_MS,
    encoding: "utf8",
  });
  closeSync(descriptor);
  const result = readFileSync(output);
  if (status !== 0 || result.length !== results.length) {
    throw new Error(`qemu-aarch64 ended with ${signal ?? status} and ${result.length} bytes: ${stderr}`);
  }
  return result;
}

/** @throws where an instruction makes an exception other than the program's own. */
export function runInEmulator({ bytes, results }: Program, options: ProcessorOptions): Uint8Array {
  const processor = makeProcessor(options);
  const { memory } = processor;
  memory.bytes.set(bytes, GUEST_ADDRESS + IMAGE_ADDRESS);
  processor.pc = BigInt(ENTRY_ADDRESS);
  processor.setRegister(31, BigInt(IMAGE_ADDRESS + results.offset));
  for (let turn = 0; ; turn++) {
    if (turn === TURNS_MAX) throw new Error("the cases do not end");
    if (processor.run(1_000_000) === "stopped") break;
  }
  const { registers } = processor;
  if (registers.get("esr_el1") >> 26n !== 0x15n) {
    const [esr, far, elr] = (["esr_el1", "far_el1", "elr_el1"] as const).map((name) =>
      registers.get(name).toString(16),
    );
    const at = Number(registers.get("elr_el1"));
    const word = at < MEMORY_BYTES ? memory.view.getUint32(GUEST_ADDRESS + at, true) : 0;
    throw new Error(`${disassemble(word, at)} made an exception: ESR 0x${esr}, FAR 0x${far}, at 0x${elr}`);
  }
  const start = GUEST_ADDRESS + IMAGE_ADDRESS + results.offset;
  return memory.bytes.slice(start, start + results.length);
}

/** At EL0, from which the first exception stops it. */
export function makeProcessor(options: ProcessorOptions): Processor {
  const bus = { load: () => undefined, store: () => "stop" as const };
  const processor = new Processor(MEMORY_BYTES, bus, 1_000_000, () => 0, options);
  writeVectors(processor.memory.view);
  writeTables(processor.memory.view);
  processor.setSystemRegister("mair_el1", MMU.mair);
  processor.setSystemRegister("tcr_el1", MMU.tcr);
  processor.setSystemRegister("ttbr0_el1", BigInt(TABLES.root));
  processor.setSystemRegister("sctlr_el1", MMU.on);
  processor.setSystemRegister("vbar_el1", BigInt(VECTORS_ADDRESS));
  processor.setSystemRegister("cpacr_el1", 3n << 20n);
  processor.pstate = PSTATE;
  return processor;
}

/** The first block is EL1's, with the vectors; the others are EL0's. */
function writeTables(view: DataView): void {
  const write = (table: number, index: number, descriptor: bigint) =>
    view.setBigUint64(GUEST_ADDRESS + table + 8 * index, descriptor, true);
  write(TABLES.root, 0, BigInt(TABLES.blocks) | MMU.table);
  write(TABLES.root, STOP_ADDRESS / MMU.rootBlockBytes, BigInt(STOP_ADDRESS) | MMU.blockOfEl1);
  for (let index = 0; index < MEMORY_BYTES / MMU.blockBytes; index++) {
    write(TABLES.blocks, index, BigInt(index * MMU.blockBytes) | (index === 0 ? MMU.blockOfEl1 : MMU.blockOfEl0));
  }
}

/** Exceptions from EL0 lead to a store that stops. */
function writeVectors(view: DataView): void {
  const program = [
    0xd518_d080, // msr tpidr_el1, x0
    0xd2c0_0020, // mov x0, #STOP_ADDRESS
    0xb900_0000, // str w0, [x0]
    0x1400_0000, // b .
  ];
  if (STOP_ADDRESS !== 2 ** 32) throw new Error("the vector stores elsewhere");
  for (const [index, word] of program.entries()) {
    view.setUint32(GUEST_ADDRESS + VECTORS_ADDRESS + 0x400 + 4 * index, word, true);
  }
}
