import { describe, expect, it } from "vitest";
import type { SystemRegister } from "../../../src/engine/emulator/instruction/system-register.ts";
import { GUEST_ADDRESS } from "../../../src/engine/emulator/layout.ts";
import { addressIn, bareProcessor, CODE, taken } from "./bare.ts";
import { FIELDS, type Field } from "./features.ts";
import { PSTATE, TCR } from "./program.ts";
import * as a64 from "./words.ts";

const DATA = 0x10_0000;
const UNKNOWN = 0;
const SVC = 0x15;
const NOP = a64.NOP;
const LDR_X1_X0 = 0xf940_0001;
const registersOf = (register: SystemRegister) => bareProcessor([NOP]).registers.get(register);

function fieldValue({ register, shift, isSigned }: Field): number {
  const value = (registersOf(register) >> BigInt(shift)) & 0xfn;
  return Number(isSigned ? BigInt.asIntN(4, value) : value);
}

/** Whether an instruction is there, with addresses of memory in all registers. */
function isThere(word: number): boolean {
  const registers = Array.from({ length: 9 }, () => addressIn("normal", DATA));
  const processor = bareProcessor([word, a64.svc(1)], { registers });
  processor.setSystemRegister("oslar_el1", 0n);
  return taken(processor).exceptionClass !== UNKNOWN;
}

describe("what identifies the processor", () => {
  it.each(FIELDS)("$register's $name is right", (field) => {
    for (const [level, words] of field.words) {
      const shown = words.map((word) => [word.toString(16), isThere(word)]);
      expect(shown).toEqual(words.map((word) => [word.toString(16), fieldValue(field) >= level]));
    }
  });

  it("says nothing in bits that are no field's", () => {
    for (const register of new Set(FIELDS.map((field) => field.register))) {
      const known = FIELDS.filter((field) => field.register === register).reduce(
        (bits, { shift }) => bits | (0xfn << BigInt(shift)),
        0n,
      );
      expect(registersOf(register) & ~known, register).toBe(0n);
    }
  });

  it("is read by EL1, not written; registers without a name read zero", () => {
    for (let crm = 1; crm <= 7; crm++) {
      for (let op2 = 0; op2 < 8; op2++) {
        const key = (3 << 14) | (crm << 3) | op2;
        const [reading, writing] = [a64.mrsKey(1, key), a64.msrKey(key, 31)];
        expect(isThere(reading), `${crm}, ${op2}`).toBe(true);
        expect(isThere(writing), `${crm}, ${op2}`).toBe(false);
        // AArch64 alone: what is AArch32's is nothing.
        if (crm > 3) continue;
        const processor = bareProcessor([reading, a64.svc(1)], { registers: [0n, 1n] });
        taken(processor);
        expect(processor.getRegister(1)).toBe(0n);
      }
    }
  });
});

/** A load from an address in X0 by tables of a test's own. */
function loads(
  address: bigint,
  rest: readonly (readonly [SystemRegister, bigint])[],
  tables: ReadonlyMap<number, bigint>,
) {
  const processor = bareProcessor([LDR_X1_X0, a64.svc(1)], { registers: [address] });
  for (const [at, descriptor] of tables) processor.memory.view.setBigUint64(GUEST_ADDRESS + at, descriptor, true);
  for (const [register, value] of rest) processor.setSystemRegister(register, value);
  const { exceptionClass, iss } = taken(processor);
  return exceptionClass === SVC ? "done" : iss;
}

describe("what memory is by its identification", () => {
  const ROOT = 0x3000;
  const NEXT = 0x4000;
  const PAGES = 0x5000;
  const LEAF = BigInt(DATA) | 0x703n;
  const own = (root: number): readonly (readonly [SystemRegister, bigint])[] => [["ttbr1_el1", BigInt(root)]];
  const UPPER = 0xffff_ff80_0000_0000n;
  const path = (leaf: bigint, table = 3n) =>
    new Map([
      [ROOT, BigInt(NEXT) | table],
      [NEXT, BigInt(PAGES) | 3n],
      [PAGES, leaf],
    ]);

  it("addresses of 40 bits (PARange), of which TCR_EL1.IPS may take less", () => {
    expect(registersOf("id_aa64mmfr0_el1") & 0xfn).toBe(2n);
    const ips = (value: bigint): readonly [SystemRegister, bigint] => [
      "tcr_el1",
      (TCR & ~(7n << 32n)) | (value << 32n),
    ];
    const leaf = (bit: bigint) => path(LEAF | (1n << bit));
    // Address size faults of level 3; where the address is right, nothing is there.
    expect(loads(UPPER, own(ROOT), leaf(40n))).toBe(0x03);
    expect(loads(UPPER, own(ROOT), leaf(39n))).toBe(0x10);
    expect(loads(UPPER, [...own(ROOT), ips(1n)], leaf(36n))).toBe(0x03);
    expect(loads(UPPER, [...own(ROOT), ips(1n)], leaf(35n))).toBe(0x10);
    expect(loads(UPPER, [...own(ROOT), ips(0n)], leaf(32n))).toBe(0x03);
    // More than there is.
    expect(loads(UPPER, [...own(ROOT), ips(5n)], leaf(40n))).toBe(0x03);
  });

  it("identifiers of 16 bits (ASIDBits), and TCR_EL1.AS", () => {
    expect((registersOf("id_aa64mmfr0_el1") >> 4n) & 0xfn).toBe(2n);
    const processor = bareProcessor([NOP]);
    processor.setSystemRegister("ttbr0_el1", 0xffff_0000_0000_1000n);
    expect(processor.registers.get("ttbr0_el1")).toBe(0xffff_0000_0000_1000n);
    processor.setSystemRegister("tcr_el1", TCR | (1n << 36n));
    expect((processor.registers.get("tcr_el1") >> 36n) & 1n).toBe(1n);
  });

  it("little-endian data alone (BigEnd, BigEndEL0)", () => {
    expect((registersOf("id_aa64mmfr0_el1") >> 8n) & 0xf0fn).toBe(0n);
    const big = (1n << 24n) | (1n << 25n);
    const processor = bareProcessor([NOP], { sctlr: big });
    expect(processor.registers.get("sctlr_el1") & big).toBe(0n);
  });

  it("pages of 4 KiB alone (TGran4, TGran16, TGran64)", () => {
    const [gran4, gran16, gran64] = [28n, 20n, 24n].map((shift) => (registersOf("id_aa64mmfr0_el1") >> shift) & 0xfn);
    expect([gran4, gran16, gran64]).toEqual([0n, 0n, 0xfn]);
    expect(loads(UPPER, own(ROOT), path(LEAF))).toBe("done");
  });

  it("flags of access that software sets (HAFDBS)", () => {
    expect(loads(UPPER, own(ROOT), path(LEAF & ~0x400n))).toBe(0x0b);
    expect(
      loads(UPPER, [...own(ROOT), ["tcr_el1", TCR | (3n << 39n)]], path(LEAF & ~0x400n)),
      "TCR_EL1.HA and HD are nothing",
    ).toBe(0x0b);
  });

  it("rights of tables that are always looked at (HPDS)", () => {
    // A page for EL0, which the table takes from EL0.
    const tables = path(LEAF | 0x40n, 3n | (1n << 61n));
    const processor = bareProcessor([LDR_X1_X0, a64.svc(1)], { registers: [UPPER], pstate: PSTATE.el0 });
    for (const [at, descriptor] of tables) processor.memory.view.setBigUint64(GUEST_ADDRESS + at, descriptor, true);
    processor.setSystemRegister("ttbr1_el1", BigInt(ROOT));
    processor.setSystemRegister("tcr_el1", TCR | (3n << 41n));
    expect(taken(processor)).toMatchObject({ exceptionClass: 0x24, iss: 0x0f });
  });

  it("address spaces of 25 to 48 bits (VARange, ST)", () => {
    const sized = (offset: bigint): readonly [SystemRegister, bigint] => [
      "tcr_el1",
      (TCR & ~(0x3fn << 16n)) | (offset << 16n),
    ];
    const top = (bits: bigint) => BigInt.asUintN(64, -(1n << bits));
    // Roots of level 0 and of level 3: the input is nothing but zeros.
    const levels = new Map([[0x6000, BigInt(ROOT) | 3n], ...path(LEAF), [0x7000, BigInt(PAGES) | 3n]]);
    expect(loads(top(48n), [...own(0x6000), sized(16n)], levels)).toBe("done");
    expect(loads(top(25n), [...own(0x7000), sized(39n)], levels)).toBe("done");
    expect(loads(top(48n), [...own(0x6000), sized(15n)], levels)).toBe(0x04);
    expect(loads(top(24n), [...own(0x7000), sized(40n)], levels)).toBe(0x04);
  });

  it("EL0 is told nothing of what identifies the processor (IDS)", () => {
    const words = [a64.mrs(0, "id_aa64isar0_el1"), a64.svc(1)];
    expect(taken(bareProcessor(words, { pstate: PSTATE.el0 })).exceptionClass).toBe(UNKNOWN);
  });

  it("lines of 64 bytes, and blocks that DC ZVA writes, are those of CTR_EL0 and DCZID_EL0", () => {
    const ctr = registersOf("ctr_el0");
    const words = [0n, 16n].map((shift) => 4n << ((ctr >> shift) & 0xfn));
    expect(words).toEqual([64n, 64n]);
    const block = Number(4n << (registersOf("dczid_el0") & 0xfn));
    const processor = bareProcessor([a64.sys(3, 7, 4, 1, 0), a64.svc(1)], {
      registers: [addressIn("normal", DATA + block + 9)],
    });
    const { bytes } = processor.memory;
    bytes.fill(0xff, GUEST_ADDRESS + DATA, GUEST_ADDRESS + DATA + 4 * block);
    expect(taken(processor).exceptionClass).toBe(SVC);
    const zeros = Array.from(bytes.slice(GUEST_ADDRESS + DATA, GUEST_ADDRESS + DATA + 4 * block), (byte) => byte === 0);
    expect(zeros.indexOf(true)).toBe(block);
    expect(zeros.lastIndexOf(true)).toBe(2 * block - 1);
  });

  // Stores need not even that.
  it.each([
    ["IC IVAU", a64.sys(3, 7, 5, 1, 0)],
    ["IC IALLU", a64.sys(0, 7, 5, 0, 31)],
    ["IC IALLUIS", a64.sys(0, 7, 1, 0, 31)],
  ])("instructions that a device wrote run after %s (DIC), and data need no cleaning (IDC)", (_, maintenance) => {
    expect((registersOf("ctr_el0") >> 28n) & 3n).toBe(1n);
    const target = addressIn("normal", CODE);
    const processor = bareProcessor([a64.add(2, 2, 1), maintenance, a64.ISB, a64.branch(3, 0)], {
      registers: [target],
      translation: "all",
    });
    expect(processor.run(100)).toBe("budget");
    expect(processor.getRegister(2)).toBeGreaterThan(0n);
    processor.memory.view.setUint32(GUEST_ADDRESS + CODE, a64.add(3, 3, 1), true);
    expect(processor.run(100)).toBe("budget");
    const before = processor.getRegister(2);
    expect(processor.run(100)).toBe("budget");
    expect(processor.getRegister(2)).toBe(before);
    expect(processor.getRegister(3)).toBeGreaterThan(0n);
  });

  it("instructions that were stored need no maintenance of caches", () => {
    const target = addressIn("normal", CODE + 4 * 5);
    // Runs SVC #1's place as NOP first, then writes SVC #2 over it and runs that.
    const words = [
      a64.branch(0, 5),
      0xb900_0001,
      a64.ISB,
      a64.branch(3, 5),
      NOP,
      NOP,
      0xb400_0042,
      a64.svc(3),
      a64.branch(8, 9),
      0xd280_0022,
      a64.branch(10, 1),
    ];
    const processor = bareProcessor(words, { registers: [target, BigInt(a64.svc(2))] });
    expect(taken(processor)).toMatchObject({ exceptionClass: SVC, iss: 2 });
  });
});
