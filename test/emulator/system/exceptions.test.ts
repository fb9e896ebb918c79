import { expect, it } from "vitest";
import { SYSTEM_REGISTERS, type SystemRegister } from "../../../src/engine/emulator/instruction/system-register.ts";
import { describeWith } from "../../guests/requirement.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { AREA, buildProgram, type Case, PSTATE, SCTLR } from "./program.ts";
import { differences, runInEmulator, runOnQemu, TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const folder = temporaryFolder();

const LEVELS = Object.entries(PSTATE);
const HVC = 0xd400_0002;
const FMOV = 0x1e60_4000;
const LDR_Q = 0x3dc0_0000;
/** SCTLR_EL1 (D17.2.118): what lets EL0 do more, and what it is told of alignment. */
const LETS_EL0 = {
  masks: 1n << 9n,
  zeroBlocks: 1n << 14n,
  cacheType: 1n << 15n,
  wait: 1n << 16n,
  caches: 1n << 26n,
} as const;
const ALL_OF_EL0 = Object.values(LETS_EL0).reduce((all, bit) => all | bit);
const CHECKS_ALIGNMENT = 1n << 1n;

function everywhere(name: string, words: readonly number[], rest: Partial<Case> = {}): readonly Case[] {
  return LEVELS.map(([level, pstate]) => ({ name: `${name} at ${level}`, pstate, words, ...rest }));
}

const INSTRUCTIONS: readonly Case[] = [
  ...everywhere("svc", [a64.svc(0x1234)]),
  ...everywhere("brk", [0xd420_0000 | (0xabcd << 5)]),
  ...everywhere("smc", [0xd400_0003]),
  ...everywhere("hlt", [a64.hlt(1)]),
  ...everywhere("udf", [0]),
  ...everywhere("an unallocated encoding", [0x0400_0000 | 0x8000_0000]),
  ...everywhere("nothing", [a64.NOP]),
  ...everywhere("msr spsel", [a64.msrImmediate(0, 5, 0)]),
  ...everywhere("msr sp_el0", [a64.msr("sp_el0", 0)]),
  ...everywhere("a branch to an odd address", [a64.branchTo(0)], { registers: [BigInt(AREA.userCode) + 1n] }),
  ...everywhere("a branch to half an instruction", [a64.branchTo(0)], { registers: [BigInt(AREA.userCode) + 2n] }),
  { name: "hvc at el0", pstate: PSTATE.el0, words: [HVC] },
  { name: "eret at el0", pstate: PSTATE.el0, words: [a64.ERET] },
];

/** Modes that are, that are not, and states of other execution levels; flags and masks of all kinds. */
const RETURNS: readonly Case[] = [0n, 4n, 5n, 1n, 2n, 3n, 6n, 7n, 8n, 9n, 0xcn, 0xdn, 0xfn].flatMap((mode) =>
  [0x3c0n, 0xa000_0000n, 0x5000_0240n, 0x10_03c0n].map((bits): Case => {
    const pstate = mode | bits;
    return { name: `a return with 0x${pstate.toString(16)}`, pstate, words: [a64.NOP] };
  }),
);

const FLOATS: readonly Case[] = [0n, 1n, 2n, 3n].flatMap((enabled) =>
  (
    [
      ["fmov", FMOV],
      ["ldr q", LDR_Q],
      ["mrs fpcr", a64.mrs(1, "fpcr")],
      ["msr fpsr", a64.msr("fpsr", 1)],
    ] as const
  ).flatMap(([name, word]) =>
    everywhere(`${name} with FPEN ${enabled}`, [word], {
      registers: [BigInt(AREA.userCode)],
      system: [["cpacr_el1", enabled << 20n]],
    }),
  ),
);

/** CNTKCTL_EL1 (D17.8.15): the counters and the timers that EL0 reaches, none, each alone, all. */
const COUNTERS_OF_EL0 = [0n, 1n << 0n, 1n << 1n, 1n << 8n, 1n << 9n, 0x303n];
/** What QEMU 7.2 has not: of a debugger outside (D17.3). */
const OF_A_DEBUGGER: ReadonlySet<SystemRegister> = new Set(["mdccsr_el0", "dbgdtr_el0", "dbgdtrrx_el0"]);

/** Values are not compared: they are read into the register that is always zero. */
const REACHED: readonly Case[] = (Object.keys(SYSTEM_REGISTERS) as SystemRegister[])
  .filter((name) => !OF_A_DEBUGGER.has(name))
  .flatMap((name) =>
    [0n, ALL_OF_EL0].flatMap((bits) =>
      (name.startsWith("cnt") ? COUNTERS_OF_EL0 : [0n]).flatMap((counters): readonly Case[] => {
        const system = [
          ["sctlr_el1", SCTLR | bits],
          ["cntkctl_el1", counters],
        ] as const;
        const rest = { pstate: PSTATE.el0, system };
        const allowed = `0x${bits.toString(16)}, 0x${counters.toString(16)}`;
        return [
          { name: `mrs ${name} at el0, allowed ${allowed}`, ...rest, words: [a64.mrs(31, name)] },
          { name: `msr ${name} at el0, allowed ${allowed}`, ...rest, words: [a64.msr(name, 31)] },
        ];
      }),
    ),
  );

const OF_EL0: readonly Case[] = Object.entries({ none: 0n, ...LETS_EL0 }).flatMap(([allowed, bit]) =>
  (
    [
      ["msr daifset", a64.msrImmediate(3, 6, 5)],
      ["msr daifclr", a64.msrImmediate(3, 7, 2)],
      ["wfi", a64.WFI],
      ["ic ivau", a64.sys(3, 7, 5, 1, 0)],
      ["dc cvac", a64.sys(3, 7, 10, 1, 0)],
      ["dc cvau", a64.sys(3, 7, 11, 1, 0)],
      ["dc civac", a64.sys(3, 7, 14, 1, 0)],
      ["dc ivac", a64.sys(0, 7, 6, 1, 0)],
      ["dc zva", a64.sys(3, 7, 4, 1, 0)],
      ["ic iallu", a64.sys(0, 7, 5, 0, 31)],
      ["tlbi vmalle1", a64.TLBI_ALL],
      ["at s1e0r", a64.sys(0, 7, 8, 2, 0)],
      ["sys of EL2", a64.sys(4, 8, 7, 0, 31)],
      ["mrs dczid_el0", a64.mrs(1, "dczid_el0")],
    ] as const
  )
    // An interrupt that never comes: EL0 would wait for ever. And QEMU 7.2 tells op1 and op2 of MSR (immediate) in each
    // other's place (D17.2.37).
    .filter(([name]) => name !== "wfi" || bit !== LETS_EL0.wait)
    .filter(([name]) => !name.startsWith("msr daif") || bit === LETS_EL0.masks)
    .map(
      ([name, word]): Case => ({
        name: `${name} at el0, allowed ${allowed}`,
        pstate: PSTATE.el0,
        system: [["sctlr_el1", SCTLR | bit]],
        registers: [BigInt(AREA.userCode)],
        words: [word],
      }),
    ),
);

const ALIGNMENT: readonly Case[] = [0n, CHECKS_ALIGNMENT].flatMap((check) =>
  [0n, 1n, 2n, 4n, 8n].flatMap((offset) =>
    (
      [
        ["ldrb", 0x3940_0002],
        ["ldrh", 0x7940_0002],
        ["ldr w", 0xb940_0002],
        ["ldr x", 0xf940_0002],
        ["ldr q", LDR_Q],
        ["ldp w", 0x2940_0c02],
        ["ldp x", 0xa940_0c02],
        ["ldp q", 0xad40_0400],
        ["ldar w", 0x88df_fc02],
        ["ldxr x", 0xc85f_7c02],
        ["ldxp w", 0x887f_0c02],
        ["ldaxp x", 0xc87f_8c02],
      ] as const
    ).flatMap(([name, word]) =>
      everywhere(`${name} at offset ${offset}, SCTLR_EL1.A ${check}`, [word], {
        system: [["sctlr_el1", SCTLR | check]],
        registers: [BigInt(AREA.userCode) + offset],
      }),
    ),
  ),
);

describeWith([["qemu-system-aarch64", "qemu-system-arm"]], "exceptions", () => {
  const groups: readonly (readonly [string, readonly Case[]])[] = [
    ["of instructions", INSTRUCTIONS],
    ["of returns from exceptions", RETURNS],
    ["of floating point", FLOATS],
    ["of registers that EL0 must not reach", REACHED],
    ["of what EL1 lets EL0 do", OF_EL0],
    ["of alignment", ALIGNMENT],
  ];
  for (const [what, cases] of groups) {
    it.each(TIERS)(`${what} are taken as QEMU takes them: $tier`, ({ options }) => {
      const program = buildProgram(cases);
      const names = cases.map(({ name }) => name);
      expect(differences(names, runInEmulator(program, options), runOnQemu(program, folder))).toEqual([]);
    });
  }
});
