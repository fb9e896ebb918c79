import { expect, it } from "vitest";
import { SYSTEM_REGISTERS, type SystemRegister } from "../../../src/engine/emulator/instruction/system-register.ts";
import { describeWith } from "../../guests/requirement.ts";
import { type Random, SEED, seededRandom } from "../../support/random.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { buildProgram, type Case, PSTATE, SCTLR, TCR } from "./program.ts";
import { differences, runInEmulator, runOnQemu, TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const folder = temporaryFolder();
const MASK_64 = (1n << 64n) - 1n;

/** Bits that the manual defines, of registers whose other bits QEMU keeps as they are written (D17). */
const DEFINED: Partial<Record<SystemRegister, bigint>> = {
  spsr_el1: 0xf030_03dfn,
  esr_el1: 0xffff_ffffn,
  cntkctl_el1: 0x3ffn,
  vbar_el1: MASK_64 & ~0x7ffn,
  cpacr_el1: 3n << 20n,
  tcr_el1: TCR | (1n << 22n) | (3n << 37n),
  contextidr_el1: 0xffff_ffffn,
  // Without AArch32 and big-endian data, and without what reads one.
  sctlr_el1: [0, 1, 2, 3, 4, 9, 12, 14, 15, 16, 18, 19, 26].reduce((set, bit) => set | (1n << BigInt(bit)), 0n),
  // Without AArch32, words are always compared whole.
  dbgbcr0_el1: 0xff_e007n,
  dbgbcr1_el1: 0xff_e007n,
  dbgbvr0_el1: MASK_64 & ~3n,
  dbgbvr1_el1: MASK_64 & ~3n,
  dbgwcr0_el1: 0x1f1f_ffffn,
  dbgwcr1_el1: 0x1f1f_ffffn,
  fpcr: 0x07c0_0000n,
  fpsr: 0x0800_009fn,
};
/** Changed for a moment, they must let the program go on. */
const KEPT: Partial<Record<SystemRegister, { readonly mask: bigint; readonly value: bigint }>> = {
  tcr_el1: { mask: 0xffff_ffffn & ~(1n << 22n), value: TCR & 0xffff_ffffn },
  // WXN would take nothing from the program, whose code nobody writes.
  sctlr_el1: { mask: 0x1005n, value: SCTLR },
};
/** What the implementation defines, or the program needs while it tries. */
const LEFT_OUT: ReadonlySet<SystemRegister> = new Set([
  "mdscr_el1",
  "dbgprcr_el1",
  "osdtrrx_el1",
  "osdtrtx_el1",
  "oseccr_el1",
  "dbgclaimset_el1",
  "dbgclaimclr_el1",
  "dbgdtr_el0",
  "dbgdtrrx_el0",
  "actlr_el1",
  "csselr_el1",
  "ttbr0_el1",
  "par_el1",
  // The counter goes on.
  "cntv_tval_el0",
  "cntp_tval_el0",
  "cntfrq_el0",
]);
const READ_ONLY =
  /^(id_|midr|mpidr|revidr|ccsidr|clidr|ctr|dczid|currentel|isr|rvbar|aidr|mdrar|mdccsr|osl|dbgauth|cntpct|cntvct)/;

const WRITTEN = (Object.keys(SYSTEM_REGISTERS) as SystemRegister[]).filter(
  (name) => !READ_ONLY.test(name) && !LEFT_OUT.has(name),
);

/** Written and read back; then as before. */
function writeCase(name: SystemRegister, value: bigint): Case {
  const defined = value & (DEFINED[name] ?? MASK_64);
  const { mask, value: kept } = KEPT[name] ?? { mask: 0n, value: 0n };
  const written = (defined & ~mask) | (kept & mask);
  return {
    name: `${name} written with 0x${written.toString(16)}`,
    registers: [written],
    words: [a64.mrs(2, name), a64.msr(name, 0), a64.ISB, a64.mrs(1, name), a64.msr(name, 2), a64.ISB, ...masked(name)],
  };
}

/** Leaves in X1 what the manual defines, and nothing in X2, which may be what the processor began with. */
function masked(name: SystemRegister): readonly number[] {
  const and = 0x8a03_0021;
  return [...a64.move(2, 0n), ...a64.move(3, DEFINED[name] ?? MASK_64), and];
}

function registerCases(random: Random): readonly Case[] {
  return WRITTEN.flatMap((name) => [
    ...[0n, MASK_64, 0x5555_5555_5555_5555n, 0xaaaa_aaaa_aaaa_aaaan].map((value) => writeCase(name, value)),
    ...Array.from({ length: 4 }, () => writeCase(name, random.bigint(0n, MASK_64))),
  ]);
}

const STATE: readonly Case[] = [
  { name: "CurrentEL", words: [a64.mrs(0, "currentel")] },
  { name: "SPSel", words: [a64.mrs(0, "spsel"), a64.msrImmediate(0, 5, 0), a64.mrs(1, "spsel")] },
  {
    name: "the stack pointers",
    registers: [0x1230n, 0x4560n],
    // MOV SP, X0 and MOV X3, SP, of each.
    words: [
      0x9100_001f,
      a64.msr("sp_el0", 1),
      a64.msrImmediate(0, 5, 0),
      0x9100_03e3,
      a64.msrImmediate(0, 5, 1),
      0x9100_03e4,
    ],
  },
  {
    name: "DAIF",
    words: [a64.msrImmediate(3, 7, 15), a64.mrs(0, "daif"), a64.msrImmediate(3, 6, 9), a64.mrs(1, "daif")],
  },
  {
    name: "DAIF at EL0",
    pstate: PSTATE.el0,
    system: [["sctlr_el1", SCTLR | (1n << 9n)]],
    words: [a64.mrs(0, "daif"), a64.msr("daif", 31), a64.mrs(1, "daif")],
  },
  {
    name: "a timer that is due",
    registers: [1n, 0n],
    words: [a64.msr("cntv_cval_el0", 1), a64.msr("cntv_ctl_el0", 0), a64.mrs(2, "cntv_ctl_el0")],
  },
  {
    name: "a timer that is due, and masked",
    registers: [3n, 0n],
    words: [a64.msr("cntp_cval_el0", 1), a64.msr("cntp_ctl_el0", 0), a64.mrs(2, "cntp_ctl_el0")],
  },
  {
    name: "a timer that is not due",
    registers: [1n, MASK_64 >> 1n],
    words: [a64.msr("cntv_cval_el0", 1), a64.msr("cntv_ctl_el0", 0), a64.mrs(2, "cntv_ctl_el0")],
  },
  {
    name: "a timer that is off",
    registers: [0n, 0n],
    words: [a64.msr("cntv_cval_el0", 1), a64.msr("cntv_ctl_el0", 0), a64.mrs(2, "cntv_ctl_el0")],
  },
  {
    name: "a timer's value below zero",
    registers: [1n, 0xffff_fff0n],
    // TVAL reads a negative number too, whose upper half is ones.
    words: [
      a64.msr("cntv_tval_el0", 1),
      a64.msr("cntv_ctl_el0", 0),
      a64.mrs(2, "cntv_ctl_el0"),
      a64.mrs(3, "cntv_tval_el0"),
      0xd35f_fc63,
      ...a64.move(1, 0n),
    ],
  },
  {
    name: "the counter goes on",
    words: [
      a64.mrs(0, "cntvct_el0"),
      a64.ISB,
      a64.mrs(1, "cntvct_el0"),
      0xeb00_003f,
      0x9a9f_37e2,
      ...a64.move(0, 0n),
      ...a64.move(1, 0n),
    ],
  },
];

describeWith([["qemu-system-aarch64", "qemu-system-arm"]], "system registers", () => {
  it.each(TIERS)(`keep what QEMU's keep: $tier (seed ${SEED})`, ({ options }) => {
    const cases = registerCases(seededRandom());
    const program = buildProgram(cases);
    const names = cases.map(({ name }) => name);
    expect(differences(names, runInEmulator(program, options), runOnQemu(program, folder))).toEqual([]);
  });

  it.each(TIERS)("do what QEMU's do: $tier", ({ options }) => {
    const program = buildProgram(STATE);
    const names = STATE.map(({ name }) => name);
    expect(differences(names, runInEmulator(program, options), runOnQemu(program, folder))).toEqual([]);
  });
});
