import { expect, it } from "vitest";
import { GUEST_ADDRESS } from "../../src/engine/emulator/layout.ts";
import type { Processor, Translation } from "../../src/engine/emulator/processor/processor.ts";
import { describeWith } from "../guests/requirement.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { ASSEMBLER, loadProgram, runToEnd, STOP, TABLES } from "./bare.ts";

const folder = temporaryFolder();
const BUDGET = 1000;
const TURNS_MAX = 10_000;
const BLOCK_BYTES = 2 ** 21;
/** Of a table's entry, and of a block that is accessed. */
const DESCRIPTOR = { table: 3n, block: 0x401n } as const;

/** Runs a program in all ways, to its end. @returns X0 then, which is the same in all. */
function result(source: string, prepare: (processor: Processor) => void = () => {}): bigint {
  const translations: readonly Translation[] = ["none", "hot", "all"];
  const [expected, ...others] = translations.map((translation) => {
    const processor = loadProgram(`${source}\n${STOP}`, folder, { translation });
    prepare(processor);
    runToEnd(processor, BUDGET, TURNS_MAX);
    return processor.getRegister(0);
  });
  if (expected === undefined) throw new Error("nothing ran");
  for (const other of others) expect(other).toBe(expected);
  return expected;
}

describeWith([ASSEMBLER], "a hostile guest", () => {
  it("maps an address high up as far from its memory as its stack, modulo 2^32", () => {
    const farAddress = 0xff40_0000;
    const stackBlock = { virtual: 1, physical: 0xe0_0000 };
    // What the stack's addresses are short of their memory's, this one is beyond its own: block 0 of the memory.
    expect((farAddress + stackBlock.physical - BLOCK_BYTES) % 2 ** 32).toBe(0);
    const source = `
      mov x9, #${BLOCK_BYTES + 0x10_0000}
      mov sp, x9
      mov x1, #${farAddress}
      mov x4, #300
      ldr x2, [x1]
    repeat: ldr x3, [x1]
      ldr x5, [x1, #8]
      ldr x6, [x1, x7]
      add x0, x0, x3
      add x0, x0, x5
      add x0, x0, x6
      subs x4, x4, #1
      b.ne repeat`;
    const prepare = ({ memory: { view } }: Processor) => {
      const write = (address: number, value: bigint) => view.setBigUint64(GUEST_ADDRESS + address, value, true);
      const upper = TABLES.blocks + 0x1000;
      write(TABLES.blocks + 8 * stackBlock.virtual, BigInt(stackBlock.physical) | DESCRIPTOR.block);
      write(TABLES.root + 8 * 3, BigInt(upper) | DESCRIPTOR.table);
      write(upper + 8 * ((farAddress % 2 ** 30) / BLOCK_BYTES), DESCRIPTOR.block);
      write(0, 7n);
      write(8, 11n);
    };
    expect(result(source, prepare)).toBe(300n * (7n + 11n + 7n));
  });

  it("leaves a function in many places, and after a call by what is no instruction", () => {
    const registers = Array.from({ length: 28 }, (_, number) => number).filter((number) => number > 1 && number !== 16);
    const source = `
      mov x0, #0
      adr x9, vectors
      msr vbar_el1, x9
      isb
      mov x28, #200
    repeat: sub x28, x28, #1
      b function
    function:
      ${registers.map((number) => `mov x${number}, #${number}\n ldr x1, [sp]`).join("\n")}
      bl callee
      .inst 0
    callee: mov x5, #77
      ret
      .balign 2048
    vectors: .space 0x200
      add x0, x0, x5
      cbnz x28, repeat`;
    expect(result(source)).toBe(200n * 77n);
  });
});
