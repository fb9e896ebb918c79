import { describe, expect, it } from "vitest";
import { GUEST_ADDRESS } from "../../../src/engine/emulator/layout.ts";
import { addressIn, bareProcessor, taken, VECTOR, VECTORS } from "./bare.ts";
import { MDSCR, SINGLE_STEP, type SystemSettings, settings, UNMASKED, WATCHES } from "./debugged.ts";
import { PSTATE } from "./program.ts";
import { TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const { NOP } = a64;
const BRK = 0xd420_0000;
const LDR_X2_X0 = 0xf940_0002;
const STR_X1_X0 = 0xf900_0001;

/** What QEMU 7.2 does otherwise than the manual, or not at all. */
describe.each(TIERS)("debug exceptions by the manual: $tier", ({ options }) => {
  const DATA = 0x10_0000;
  const CONTEXT = 0x74n;
  const LDADD_X1_X2_X0 = 0xf821_0002;
  /** Of the highest breakpoint, where it compares contexts: enabled, both levels. */
  const COMPARES_CONTEXT = { alone: 0x20_01e7n, linked: 0x30_01e7n } as const;

  function debugged(words: readonly number[], mdscr: bigint, rest: SystemSettings, pstate: bigint, x0 = 0n) {
    const processor = bareProcessor(words, { ...options, pstate, registers: [x0] });
    for (const [register, value] of settings(mdscr, ...rest)) processor.setSystemRegister(register, value);
    return processor;
  }

  it("the OS lock holds them back", () => {
    const processor = debugged([NOP, a64.svc(1)], MDSCR.steps, [], PSTATE.el0 | SINGLE_STEP);
    processor.setSystemRegister("oslar_el1", 1n);
    expect(processor.registers.get("oslsr_el1")).toBe(0xan);
    expect(taken(processor)).toMatchObject({ exceptionClass: 0x15, elr: 8n });
    processor.setSystemRegister("oslar_el1", 0n);
    expect(processor.registers.get("oslsr_el1")).toBe(8n);
  });

  it("an instruction that masks them is stepped no more", () => {
    const words = [a64.msrImmediate(3, 6, 8), NOP, a64.svc(1)];
    const processor = debugged(words, MDSCR.steps | MDSCR.atEl1, [], UNMASKED.el1 | SINGLE_STEP);
    expect(taken(processor)).toMatchObject({ exceptionClass: 0x15, elr: 12n });
  });

  // "Synchronous exception prioritization" (D1.3.5.3).
  it("what cannot be fetched is no breakpoint", () => {
    const nowhere = 1n << 36n;
    const rest: SystemSettings = [
      ["dbgbvr0_el1", nowhere],
      ["dbgbcr0_el1", 0x1e7n],
    ];
    const processor = debugged([a64.branchTo(0)], MDSCR.monitors, rest, PSTATE.el0, nowhere);
    expect(taken(processor)).toMatchObject({ exceptionClass: 0x20, far: nowhere });
  });

  it("a breakpoint comes before an illegal state", () => {
    const start = bareProcessor([], options).pc;
    const rest: SystemSettings = [
      ["dbgbvr0_el1", start],
      ["dbgbcr0_el1", 0x1e7n],
    ];
    const illegal = UNMASKED.el1 | (1n << 20n);
    const processor = debugged([NOP], MDSCR.monitors | MDSCR.atEl1, rest, illegal);
    expect(taken(processor)).toMatchObject({ exceptionClass: 0x31, elr: 0n });
    expect(processor.registers.get("spsr_el1") & (1n << 20n)).not.toBe(0n);
  });

  it("an exception's handler has no step of its own", () => {
    const processor = debugged([BRK], MDSCR.steps, [], PSTATE.el0 | SINGLE_STEP);
    expect(taken(processor)).toMatchObject({ exceptionClass: 0x3c });
    expect(processor.registers.get("spsr_el1") & SINGLE_STEP).toBe(SINGLE_STEP);
    expect(processor.pstate & SINGLE_STEP).toBe(0n);
  });

  it("a breakpoint compares contexts", () => {
    for (const context of [CONTEXT, 1n]) {
      const rest: SystemSettings = [
        ["contextidr_el1", context],
        ["dbgbvr1_el1", (5n << 32n) | CONTEXT],
        ["dbgbcr1_el1", COMPARES_CONTEXT.alone],
      ];
      const exceptionClass = context === CONTEXT ? 0x30 : 0x15;
      expect(taken(debugged([a64.svc(1)], MDSCR.monitors, rest, PSTATE.el0)), `${context}`).toMatchObject({
        exceptionClass,
      });
    }
  });

  it.each([
    ["the context is another", 1n, COMPARES_CONTEXT.linked, 1n, false],
    ["the context is right", CONTEXT, COMPARES_CONTEXT.linked, 1n, true],
    ["the linked breakpoint is off", CONTEXT, COMPARES_CONTEXT.linked & ~1n, 1n, false],
    ["the linked breakpoint is not to be linked", CONTEXT, COMPARES_CONTEXT.alone & ~6n, 1n, false],
    ["it is linked to itself", CONTEXT, COMPARES_CONTEXT.linked, 0n, false],
  ])("a linked breakpoint, and a linked watchpoint, where %s", (_, context, control, linked, comes) => {
    const address = addressIn("forUser", DATA);
    const contexts: SystemSettings = [
      ["contextidr_el1", context],
      ["dbgbvr1_el1", CONTEXT],
      ["dbgbcr1_el1", control],
    ];
    const words = [NOP, LDR_X2_X0, a64.svc(1)];
    const start = bareProcessor(words, { ...options, pstate: PSTATE.el0 }).pc;
    const breakpoints: SystemSettings = [
      ["dbgbvr0_el1", start + 4n],
      ["dbgbcr0_el1", 0x10_01e7n | (linked << 16n)],
    ];
    const watchpoints: SystemSettings = [
      ["dbgwvr1_el1", address],
      ["dbgwcr1_el1", 0x10_1fffn | (linked << 16n)],
    ];
    for (const [own, exceptionClass] of [
      [breakpoints, 0x30],
      [watchpoints, 0x34],
    ] as const) {
      const processor = debugged(words, MDSCR.monitors, [...contexts, ...own], PSTATE.el0, address);
      const expected = comes ? { exceptionClass, elr: 4n } : { exceptionClass: 0x15, elr: 12n };
      expect(taken(processor)).toMatchObject(expected);
    }
  });

  it("only the highest breakpoint compares contexts", () => {
    const address = addressIn("forUser", DATA);
    const rest: SystemSettings = [
      ["contextidr_el1", CONTEXT],
      ["dbgbvr0_el1", CONTEXT],
      ["dbgbcr0_el1", COMPARES_CONTEXT.linked],
      ["dbgwvr0_el1", address],
      ["dbgwcr0_el1", 0x10_1fffn],
    ];
    const words = [LDR_X2_X0, a64.svc(1)];
    expect(taken(debugged(words, MDSCR.monitors, rest, PSTATE.el0, address))).toMatchObject({ exceptionClass: 0x15 });
    const unlinked: SystemSettings = [...rest, ["dbgbcr0_el1", COMPARES_CONTEXT.alone], ["dbgwcr0_el1", 0n]];
    expect(taken(debugged(words, MDSCR.monitors, unlinked, PSTATE.el0, address))).toMatchObject({
      exceptionClass: 0x15,
    });
  });

  it("a watchpoint tells the first watched byte of an access that is not aligned", () => {
    const watched = addressIn("normal", DATA + 0x100);
    const rest: SystemSettings = [
      ["dbgwvr0_el1", watched],
      // Bytes 2 to 5.
      ["dbgwcr0_el1", 0x1fn | (0x3cn << WATCHES.bytesShift)],
    ];
    for (let offset = -10n; offset < 10n; offset++) {
      const processor = debugged(
        [LDR_X2_X0, a64.svc(1)],
        MDSCR.monitors | MDSCR.atEl1,
        rest,
        UNMASKED.el1,
        watched + offset,
      );
      const first = offset > 2n ? offset : 2n;
      const hits = first < 6n && first < offset + 8n;
      const expected = hits ? { exceptionClass: 0x35, far: watched + first } : { exceptionClass: 0x15 };
      expect(taken(processor), `${offset}`).toMatchObject(expected);
    }
  });

  // "WnR" of an atomic instruction (D17.2.37): 0 where a read would have been watched alike.
  it.each([
    ["reads", WATCHES.loads, 0],
    ["writes", WATCHES.stores, 1 << 6],
    ["both", WATCHES.loads | WATCHES.stores, 0],
  ])("a watchpoint on %s sees atomic instructions", (_, kinds, writes) => {
    const watched = addressIn("normal", DATA);
    const rest: SystemSettings = [
      ["dbgwvr0_el1", watched],
      ["dbgwcr0_el1", 0x1fe7n | kinds],
    ];
    const processor = debugged([LDADD_X1_X2_X0], MDSCR.monitors | MDSCR.atEl1, rest, UNMASKED.el1, watched);
    expect(taken(processor)).toMatchObject({ exceptionClass: 0x35, iss: 0x22 | writes, far: watched });
  });

  // A block around the stack: what translated code looks up once.
  it("a watchpoint sees what ran often before it was set", () => {
    const upper = 0xffff_ff80_0000_0000n;
    const watched = upper + 0x1_0000n;
    const loop = [LDR_X2_X0, STR_X1_X0, a64.branch(2, 0)];
    const processor = debugged(loop, 0n, [["ttbr1_el1", 0x2000n]], UNMASKED.el1, watched);
    processor.memory.view.setBigUint64(GUEST_ADDRESS + 0x2000, 0x3003n, true);
    processor.memory.view.setBigUint64(GUEST_ADDRESS + 0x3000, 0x20_0701n, true);
    processor.setRegister(31, watched + 0x100n);
    const start = processor.pc;
    for (let turn = 0; turn < 10; turn++) expect(processor.run(100)).toBe("budget");
    processor.setSystemRegister("dbgwvr0_el1", watched);
    processor.setSystemRegister("dbgwcr0_el1", 0x1fe7n | WATCHES.stores);
    processor.setSystemRegister("mdscr_el1", MDSCR.monitors | MDSCR.atEl1);
    processor.run(100);
    expect(processor.registers.get("esr_el1")).toBe((0x35n << 26n) | (1n << 25n) | 0x62n);
    expect(processor.registers.get("elr_el1")).toBe(start + 4n);
  });

  it("a step of a store that stops the processor ends behind it", () => {
    const stored: bigint[] = [];
    const bus = {
      load: () => undefined,
      store: (_: number, __: number, value: bigint) => {
        stored.push(value);
        return "stop" as const;
      },
    };
    const registers = [addressIn("bus", 0x1000), 7n];
    const pstate = UNMASKED.el1 | SINGLE_STEP;
    const processor = bareProcessor([STR_X1_X0, NOP], { ...options, bus, registers, pstate });
    for (const [register, value] of settings(MDSCR.steps | MDSCR.atEl1)) processor.setSystemRegister(register, value);
    const start = processor.pc;
    expect(processor.run(10)).toBe("stopped");
    processor.run(10);
    expect(processor.registers.get("esr_el1") >> 24n).toBe(0xcfn);
    expect(processor.registers.get("elr_el1")).toBe(start + 4n);
    expect(stored).toEqual([7n]);
  });

  // What an interrupt's handler returns to was not stepped just before ("Syndrome information", D2.12).
  it("a step that an interrupt delays is told without what it was of", () => {
    const processor = debugged([NOP, NOP], MDSCR.steps, [], SINGLE_STEP);
    const start = processor.pc;
    const vector = VECTORS + Number(VECTOR.lowerLevel.irq);
    processor.memory.view.setUint32(GUEST_ADDRESS + vector, a64.ERET, true);
    processor.step();
    processor.setInterrupt("irq", true);
    processor.step();
    processor.setInterrupt("irq", false);
    expect(processor.registers.get("elr_el1")).toBe(start + 4n);
    expect(processor.registers.get("esr_el1")).toBe(0n);
    processor.run(1);
    expect(processor.registers.get("elr_el1")).toBe(start + 4n);
    expect(processor.registers.get("esr_el1")).toBe((0x32n << 26n) | (1n << 25n) | 0x22n);
  });

  // There is no debugger outside (D17.3).
  it("registers of a channel to a debugger outside read nothing, and MDSCR_EL1.TDCC takes EL0's", () => {
    const names = ["mdccsr_el0", "dbgdtr_el0", "dbgdtrrx_el0"] as const;
    for (const name of names) {
      for (const [mdscr, exceptionClass] of [
        [0n, 0x15],
        [1n << 12n, 0x18],
      ] as const) {
        const processor = debugged([a64.mrs(0, name), a64.svc(1)], mdscr, [], PSTATE.el0, 7n);
        expect(taken(processor), name).toMatchObject({ exceptionClass });
        expect(processor.getRegister(0), name).toBe(mdscr === 0n ? 0n : 7n);
      }
      const kept = debugged([a64.mrs(0, name), a64.svc(1)], 1n << 12n, [], UNMASKED.el1, 7n);
      expect(taken(kept), name).toMatchObject({ exceptionClass: 0x15 });
    }
  });

  it("claim tags are set and cleared by two registers", () => {
    const processor = debugged([], 0n, [], PSTATE.el1);
    const claims = () => [processor.registers.get("dbgclaimset_el1"), processor.registers.get("dbgclaimclr_el1")];
    processor.setSystemRegister("dbgclaimset_el1", 0x1f0n);
    processor.setSystemRegister("dbgclaimset_el1", 3n);
    expect(claims()).toEqual([0xffn, 0xf3n]);
    processor.setSystemRegister("dbgclaimclr_el1", 0x81n);
    expect(claims()).toEqual([0xffn, 0x72n]);
  });
});
