import { describe, expect, it } from "vitest";
import { GUEST_ADDRESS } from "../../../src/engine/emulator/layout.ts";
import { addressIn, bareProcessor, CODE, type Place, taken, VECTOR, VECTORS } from "./bare.ts";
import { PSTATE } from "./program.ts";
import { TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const DATA = 0x10_0000;
const NOWHERE = 1n << 33n;
const WFE = 0xd503_205f;
const SEVL = 0xd503_20bf;
const LDXR_X2_X0 = 0xc85f_7c02;
/** STXR W3, X1, [X0]. */
const STXR = 0xc803_7c01;
/** SCTLR_EL1 (D17.2.118): what EL0 may do. */
const LETS = { wait: 1n << 16n, waitForEvent: 1n << 18n, caches: 1n << 26n } as const;
const CLASS = { wait: 0x01, svc: 0x15, dataAbortOfEl0: 0x24, dataAbort: 0x25 } as const;
/** Of an abort: a write, of the maintenance of caches. */
const MAINTAINS = (1 << 6) | (1 << 8);
const FAULT = { translationOfLevel1: 0x05, permissionOfLevel1: 0x0d } as const;
const ANY_CONDITION = 0x1e0_0000;
const READ_ONLY_BLOCK = 0x781n;

describe.each(TIERS)("instructions by the manual: $tier", ({ options }) => {
  // By address (C5.3): what QEMU 7.2 does not look at.
  it.each([
    ["dc cvac", a64.sys(3, 7, 10, 1, 0)],
    ["dc cvau", a64.sys(3, 7, 11, 1, 0)],
    ["dc civac", a64.sys(3, 7, 14, 1, 0)],
    ["ic ivau", a64.sys(3, 7, 5, 1, 0)],
    ["dc ivac", a64.sys(0, 7, 6, 1, 0)],
  ])("%s faults where its address may not be read", (name, word) => {
    const run = (pstate: bigint, address: bigint) =>
      taken(bareProcessor([word, a64.svc(1)], { ...options, pstate, registers: [address], sctlr: LETS.caches }));
    expect(run(PSTATE.el1, addressIn("normal", DATA + 5)).exceptionClass).toBe(CLASS.svc);
    expect(run(PSTATE.el1, NOWHERE + 5n)).toMatchObject({
      exceptionClass: CLASS.dataAbort,
      iss: FAULT.translationOfLevel1 | MAINTAINS,
      far: NOWHERE + 5n,
      elr: 0n,
    });
    if (name === "dc ivac") return;
    expect(run(PSTATE.el0, addressIn("forUser", DATA)).exceptionClass).toBe(CLASS.svc);
    expect(run(PSTATE.el0, addressIn("normal", DATA))).toMatchObject({
      exceptionClass: CLASS.dataAbortOfEl0,
      iss: FAULT.permissionOfLevel1 | MAINTAINS,
    });
  });

  it("dc ivac, which can lose what was written, takes the right to write", () => {
    const address = addressIn("bus", DATA);
    const processor = bareProcessor([a64.sys(0, 7, 6, 1, 0)], { ...options, registers: [address] });
    processor.memory.view.setBigUint64(GUEST_ADDRESS + 0x1008, READ_ONLY_BLOCK, true);
    expect(taken(processor)).toMatchObject({
      exceptionClass: CLASS.dataAbort,
      iss: FAULT.permissionOfLevel1 | MAINTAINS,
    });
  });

  // "Traps to EL1 of EL0 execution of WFE and WFI" (D1.3.6): where they would wait.
  it.each([
    ["wfi", a64.WFI, LETS.wait, 0],
    ["wfe", WFE, LETS.waitForEvent, 1],
  ] as const)("%s at EL0 traps where SCTLR_EL1 does not let it wait", (name, word, lets, iss) => {
    const at = (pstate: bigint, sctlr: bigint, words: readonly number[] = [word, a64.svc(1)]) =>
      bareProcessor(words, { ...options, pstate, sctlr });
    const trapped = { exceptionClass: CLASS.wait, iss: ANY_CONDITION | iss, elr: 0n };
    expect(taken(at(PSTATE.el0, 0n))).toMatchObject(trapped);
    expect(at(PSTATE.el0, lets).run(100)).toBe("wait");
    expect(at(PSTATE.el1, 0n).run(100)).toBe("wait");
    const ready = at(PSTATE.el0, 0n, name === "wfe" ? [SEVL, word, a64.svc(1)] : [word, a64.svc(1)]);
    if (name === "wfi") ready.setInterrupt("irq", true);
    expect(taken(ready)).toMatchObject({ exceptionClass: CLASS.svc });
  });

  // "Exclusive access instructions and the monitors": the local monitor is cleared by a return from an exception (B2.9).
  it("an exception between LDXR and STXR makes the store fail", () => {
    const run = (between: number, place: Place, pstate: bigint) => {
      const processor = bareProcessor([LDXR_X2_X0, between, STXR, a64.BRANCH_TO_SELF], {
        ...options,
        pstate,
        registers: [addressIn(place, DATA), 5n, 0n, 9n],
      });
      for (const { synchronous } of Object.values(VECTOR)) {
        processor.memory.view.setUint32(GUEST_ADDRESS + VECTORS + Number(synchronous), a64.ERET, true);
      }
      processor.run(20);
      return [processor.getRegister(3), processor.memory.view.getBigUint64(GUEST_ADDRESS + DATA, true)];
    };
    for (const [place, pstate] of [
      ["normal", PSTATE.el1],
      ["forUser", PSTATE.el0],
    ] as const) {
      expect(run(a64.NOP, place, pstate)).toEqual([0n, 5n]);
      expect(run(a64.svc(0), place, pstate)).toEqual([1n, 0n]);
      // CLREX.
      expect(run(0xd503_3f5f, place, pstate)).toEqual([1n, 0n]);
    }
  });

  // "Synchronous exception prioritization" (D1.3.5.5): fetching comes first.
  it("an illegal state is told of after what fetching an instruction meets", () => {
    const illegal = PSTATE.el1 | (1n << 20n);
    const at = (pc: bigint) => {
      const processor = bareProcessor([], { ...options, pstate: illegal });
      processor.pc = pc;
      return taken(processor).exceptionClass;
    };
    expect(at(NOWHERE)).toBe(0x21);
    expect(at(addressIn("normal", CODE + 2))).toBe(0x22);
    expect(at(addressIn("normal", CODE))).toBe(0x0e);
  });
});
