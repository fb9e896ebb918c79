import { describe, expect, it } from "vitest";
import { addressIn, bareProcessor, type Place, taken, VECTOR } from "./bare.ts";
import { PSTATE } from "./program.ts";
import { TIERS } from "./run.ts";
import * as a64 from "./words.ts";

/** SCTLR_EL1 (D17.2.118). */
const CHECKS_STACK = { el1: 1n << 3n, el0: 1n << 4n } as const;
const DATA = 0x10_0000;
const LDR_X1_SP = 0xf940_03e1;
const STP_PRE_INDEX = 0xa9bf_07e0;
const LDR_X1_X0 = 0xf940_0001;
const NOP = a64.NOP;
const ALIGNMENT_FAULT = 0x21;
const WRITES = 1 << 6;
const CLASS = { dataAbort: 0x25, dataAbortOfEl0: 0x24, stackAlignment: 0x26 } as const;

describe.each(TIERS)("alignment: $tier", ({ options }) => {
  // "Stack pointer alignment checking" (D1.8.2).
  it.each([
    ["at EL1", PSTATE.el1, CHECKS_STACK.el1, VECTOR.ownStack.synchronous],
    ["at EL0", PSTATE.el0, CHECKS_STACK.el0, VECTOR.lowerLevel.synchronous],
  ] as const)("of the stack pointer is checked %s where SCTLR_EL1 says so", (_, pstate, sctlr, vector) => {
    const place = pstate === PSTATE.el0 ? "forUser" : "normal";
    for (const word of [LDR_X1_SP, STP_PRE_INDEX]) {
      const words = [NOP, word, a64.svc(1)];
      const unaligned = bareProcessor(words, { ...options, pstate, sctlr });
      unaligned.setRegister(31, addressIn(place, DATA + 8));
      expect(taken(unaligned)).toMatchObject({ vector, exceptionClass: CLASS.stackAlignment, iss: 0, elr: 4n });
      expect(unaligned.registers.get("far_el1")).toBe(0n);
      const aligned = bareProcessor(words, { ...options, pstate, sctlr });
      aligned.setRegister(31, addressIn(place, DATA + 16));
      expect(taken(aligned)).toMatchObject({ vector, exceptionClass: 0x15, elr: 12n });
      const unchecked = bareProcessor(words, { ...options, pstate });
      unchecked.setRegister(31, addressIn(place, DATA + 8));
      expect(taken(unchecked)).toMatchObject({ exceptionClass: 0x15, elr: 12n });
    }
  });

  // Device memory (B2.7.2): an element that is not aligned faults, after its translation; a pair has two.
  it.each([
    ["ldr x", 0xf940_0002, 8, 0],
    ["ldr w", 0xb940_0002, 4, 0],
    ["strh", 0x7900_0002, 2, WRITES],
    ["ldp x", 0xa940_0c02, 8, 0],
    ["stp w", 0x2900_0c02, 4, WRITES],
    ["ldr q", 0x3dc0_0002, 16, 0],
    ["stp d", 0x6d00_0c02, 8, WRITES],
  ])("of %s in memory of devices is that of its elements", (_, word, bytes, writes) => {
    for (let offset = 0; offset <= 16; offset++) {
      const address = addressIn("asDevice", DATA + offset);
      // Twice: the second time the translation is known.
      const processor = bareProcessor([0x3940_0003, word, a64.svc(1)], { ...options, registers: [address] });
      const outcome = taken(processor);
      if (offset % bytes === 0) expect(outcome, `${offset}`).toMatchObject({ exceptionClass: 0x15 });
      else {
        const iss = ALIGNMENT_FAULT | writes;
        expect(outcome, `${offset}`).toMatchObject({ exceptionClass: CLASS.dataAbort, iss, far: address, elr: 4n });
      }
    }
  });

  it("is free in normal memory, and that of devices without the MMU", () => {
    const address = addressIn("normal", DATA + 1);
    expect(taken(bareProcessor([LDR_X1_X0, a64.svc(1)], { ...options, registers: [address] }))).toMatchObject({
      exceptionClass: 0x15,
    });
    const flat = bareProcessor([LDR_X1_X0, a64.svc(1)], { ...options, registers: [BigInt(DATA + 1)] });
    flat.setSystemRegister("sctlr_el1", 0n);
    expect(taken(flat)).toMatchObject({ exceptionClass: CLASS.dataAbort, iss: ALIGNMENT_FAULT, elr: 0n });
  });

  it("of DC ZVA is never right in memory of devices", () => {
    const address = addressIn("asDevice", DATA + 64);
    const processor = bareProcessor([a64.sys(3, 7, 4, 1, 0)], { ...options, registers: [address] });
    expect(taken(processor)).toMatchObject({
      exceptionClass: CLASS.dataAbort,
      iss: ALIGNMENT_FAULT | WRITES,
      far: address,
    });
  });

  // "WnR" of an atomic instruction (D17.2.37): 0 where a read would have faulted alike.
  it("and rights of an atomic instruction are told as of its read, where that faults too", () => {
    const ldadd = 0xf820_0001;
    const registers = (place: Place, offset: number) => [addressIn(place, DATA + offset)];
    const unaligned = bareProcessor([ldadd], { ...options, registers: registers("normal", 4) });
    expect(taken(unaligned)).toMatchObject({ exceptionClass: CLASS.dataAbort, iss: ALIGNMENT_FAULT });
    const unmapped = bareProcessor([ldadd], { ...options, registers: [1n << 33n] });
    expect(taken(unmapped)).toMatchObject({ exceptionClass: CLASS.dataAbort, iss: 0x05 });
    // EL1's memory, for EL0.
    const forbidden = bareProcessor([ldadd], { ...options, registers: registers("normal", 0), pstate: PSTATE.el0 });
    expect(taken(forbidden)).toMatchObject({ exceptionClass: CLASS.dataAbortOfEl0, iss: 0x0d });
  });
});
