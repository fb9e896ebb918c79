import { expect, it } from "vitest";
import { GUEST_ADDRESS } from "../../src/engine/emulator/layout.ts";
import type { Processor, Translation } from "../../src/engine/emulator/processor/processor.ts";
import { describeWith } from "../guests/requirement.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { ASSEMBLER, DATA_ADDRESS, loadProgram, runToEnd, STOP } from "./bare.ts";

const folder = temporaryFolder();
const BUDGET = 1000;
const TURNS_MAX = 10_000;
const TRANSLATIONS: readonly Translation[] = ["none", "hot", "all"];

function stateOf(processor: Processor): readonly string[] {
  const registers = Array.from({ length: 32 }, (_, number) => processor.getRegister(number).toString(16));
  return [...registers, processor.nzcv.toString(16)];
}

/** Runs a program in all ways. @returns X0 at its end. */
function result(source: string): bigint {
  const ends = TRANSLATIONS.map((translation) => {
    const processor = loadProgram(`${source}\n${STOP}`, folder, { translation });
    runToEnd(processor, BUDGET, TURNS_MAX);
    return processor;
  });
  const [reference, ...others] = ends;
  if (reference === undefined) throw new Error("nothing ran");
  for (const other of others) expect(stateOf(other)).toEqual(stateOf(reference));
  return reference.getRegister(0);
}

describeWith([ASSEMBLER], "translated code", () => {
  it("runs loops within loops", () => {
    const source = `
      mov x0, #0
      mov x1, #300
    outer: mov x2, #200
    inner: add x0, x0, x2
      subs x2, x2, #1
      b.ne inner
      subs x1, x1, #1
      b.hi outer`;
    expect(result(source)).toBe(300n * 20_100n);
  });

  it("runs a loop with two ways in", () => {
    const source = `
      mov x0, #0
      mov x1, #5000
    again: tbz x1, #0, second
    first: add x0, x0, #1
      tbz x1, #1, second
      sub x1, x1, #1
      cbz x1, end
    second: add x0, x0, #3
      sub x1, x1, #1
      tbnz x1, #2, first
      cbnz x1, again
    end:`;
    expect(result(source)).toBeGreaterThan(0n);
  });

  it("calls deeper than calls are kept", () => {
    const source = `
      mov x9, #40
    repeat: mov x0, #0
      mov x1, #1000
      bl down
      subs x9, x9, #1
      b.ne repeat
      b end
    down: cbz x1, bottom
      stp x29, x30, [sp, #-16]!
      sub x1, x1, #1
      bl down
      add x0, x0, #1
      ldp x29, x30, [sp], #16
    bottom: ret
    end:`;
    expect(result(source)).toBe(1000n);
  });

  it("returns where no call came from", () => {
    const source = `
      mov x0, #0
      mov x1, #3000
    repeat: bl callee
    back: add x0, x0, #100
      subs x1, x1, #1
      b.ne repeat
      b end
    callee: add x0, x0, #1
      adr x2, elsewhere
      tst x1, #1
      csel x30, x2, x30, ne
      ret
    elsewhere: add x0, x0, #10
      b back
    end:`;
    expect(result(source)).toBe(3000n * 101n + 1500n * 10n);
  });

  it("calls through registers, and itself", () => {
    const source = `
      mov x0, #0
      mov x1, #2000
      adr x3, one
      adr x4, two
    repeat: tst x1, #1
      csel x5, x3, x4, eq
      blr x5
      subs x1, x1, #1
      b.ne repeat
      b end
    one: add x0, x0, #1
      ret
    two: add x0, x0, #2
      ret
    end:`;
    expect(result(source)).toBe(3000n);
  });

  it("keeps flags over branches that meet, and reads those of any instruction", () => {
    const source = `
      mov x0, #0
      mov x1, #4000
    repeat: tbz x1, #0, sum
      cmp x1, #1000
      b meet
    sum: adds x2, x1, x1
    meet: cinc x0, x0, hi
      cset x3, vs
      adc x0, x0, x3
      ccmp x1, #3, #5, ge
      cinc x0, x0, lt
      mrs x4, nzcv
      add x0, x0, x4, lsr #28
      subs x1, x1, #1
      b.ne repeat`;
    expect(result(source)).toBeGreaterThan(0n);
  });

  it("sees what was written over its instructions", () => {
    const source = `
      adr x1, patched
      ldr w2, other
      ldr w3, [x1]
      mov x0, #0
      mov x4, #3000
    repeat:
    patched: add x0, x0, #1
      sub x4, x4, #1
      tst x4, #0xff
      b.ne next
      str w2, [x1]
      dc cvau, x1
      ic ivau, x1
      dsb ish
      isb
      eor w2, w2, w3
      eor w3, w2, w3
      eor w2, w2, w3
    next: cbnz x4, repeat
      b end
    other: add x0, x0, #16
    end:`;
    expect(result(source)).toBeGreaterThan(3000n);
  });

  it("tells the address and the registers of an access that faults", () => {
    const source = `
      mov x0, #0
      mov x1, #${DATA_ADDRESS}
      adr x2, vectors
      msr vbar_el1, x2
      isb
    repeat: add x0, x0, #1
      str x0, [x1]
      add x1, x1, #4095
      b repeat
      .balign 2048
    vectors:
      .space 0x200
      mrs x5, far_el1
      mrs x6, esr_el1
      mrs x7, elr_el1
      mrs x8, spsr_el1`;
    // From the data's begin to the memory's end, where the tables map nothing.
    expect(result(source)).toBe(BigInt(Math.ceil((16 * 2 ** 20 - DATA_ADDRESS - 7) / 4095) + 1));
  });

  it("ends its turn by the budget, whatever it runs", () => {
    const loops = [
      "repeat: b repeat",
      "repeat: add x0, x0, #1\n bl leaf\n b repeat\n leaf: ret",
      "adr x1, repeat\n repeat: add x0, x0, #1\n br x1",
      "repeat: add x0, x0, #1\n bl repeat",
    ];
    for (const loop of loops) {
      for (const translation of TRANSLATIONS) {
        const processor = loadProgram(loop, folder, { translation });
        for (let turn = 0; turn < 50; turn++) expect(processor.run(BUDGET)).toBe("budget");
        const before = processor.getRegister(0);
        expect(processor.run(BUDGET)).toBe("budget");
        expect(processor.getRegister(0) - before).toBeLessThanOrEqual(BigInt(BUDGET + 1));
      }
    }
  });

  it("runs nearly all that is hot", () => {
    const source = `mov x1, #0x100000\n repeat: add x0, x0, x1\n subs x1, x1, #1\n b.ne repeat\n${STOP}`;
    const processor = loadProgram(source, folder, { translation: "hot", counts: true });
    runToEnd(processor, BUDGET, TURNS_MAX);
    const { interpreted, translated } = processor.instructionCounts;
    const INSTRUCTIONS = 1n + 3n * 0x100000n + 2n;
    expect(interpreted + translated).toBe(INSTRUCTIONS);
    expect(interpreted).toBeLessThan(INSTRUCTIONS / 1000n);
  });

  it("counts as many instructions in either way", () => {
    const source = `mov x1, #5000\n mov x2, #${DATA_ADDRESS}\n repeat: str x1, [x2], #248\n bl leaf\n subs x1, x1, #1
      b.ne repeat\n ${STOP}\n leaf: tbz x1, #0, odd\n add x0, x0, #1\n odd: ret`;
    const counted = TRANSLATIONS.map((translation) => {
      const processor = loadProgram(source, folder, { translation, counts: true });
      runToEnd(processor, BUDGET, TURNS_MAX);
      const { interpreted, translated } = processor.instructionCounts;
      return interpreted + translated;
    });
    expect(new Set(counted).size).toBe(1);
  });

  it("is dropped with its page, and memory holds what the guest wrote", () => {
    const source = `mov x1, #3000\n mov x2, #${DATA_ADDRESS}\n repeat: str x1, [x2]\n ldr x3, [x2]\n add x0, x0, x3
      subs x1, x1, #1\n b.ne repeat\n${STOP}`;
    const processor = loadProgram(source, folder, { translation: "hot" });
    runToEnd(processor, BUDGET, TURNS_MAX);
    expect(processor.getRegister(0)).toBe(4_501_500n);
    expect(processor.memory.view.getBigUint64(GUEST_ADDRESS + DATA_ADDRESS, true)).toBe(1n);
  });
});
