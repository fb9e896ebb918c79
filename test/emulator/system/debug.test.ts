import { expect, it } from "vitest";
import { describeWith } from "../../guests/requirement.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { MDSCR, SINGLE_STEP, type SystemSettings, settings, UNMASKED, WATCHES } from "./debugged.ts";
import { AREA, buildProgram, type Case, PSTATE } from "./program.ts";
import { differences, runInEmulator, runOnQemu, TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const folder = temporaryFolder();
const LEVEL_NAMES = Object.keys(UNMASKED) as readonly (keyof typeof UNMASKED)[];
const { NOP } = a64;
const LDR_X2_X0 = 0xf940_0002;
const STR_X1_X0 = 0xf900_0001;
const LDXR_X2_X0 = 0xc85f_7c02;
const LDAXP_X2_X3_X0 = 0xc87f_8c02;
const LDAR_X2_X0 = 0xc8df_fc02;
const BRK = 0xd420_0000;
const CODE = BigInt(AREA.userCode);

const STEPPED: readonly (readonly [name: string, words: readonly number[], registers?: readonly bigint[]])[] = [
  ["nop", [NOP, NOP]],
  ["ldr", [LDR_X2_X0, NOP], [CODE]],
  ["ldxr", [LDXR_X2_X0, NOP], [CODE]],
  ["ldaxp", [LDAXP_X2_X3_X0, NOP], [CODE]],
  ["ldar", [LDAR_X2_X0, NOP], [CODE]],
  ["a load that faults", [LDR_X2_X0, NOP], [1n << 36n]],
  ["svc", [a64.svc(3), NOP]],
  ["brk", [BRK, NOP]],
  ["an undefined instruction", [0, NOP]],
  ["a branch", [a64.branch(0, 2), BRK, NOP, NOP]],
  ["a branch to half an instruction", [a64.branchTo(0)], [CODE + 2n]],
  ["a branch to nowhere", [a64.branchTo(0)], [1n << 36n]],
  ["msr tpidr_el0", [a64.msr("tpidr_el0", 0), NOP]],
  ["what EL0 may not", [a64.mrs(2, "far_el1"), NOP]],
  ["isb", [a64.ISB, NOP]],
  ["dc zva", [a64.sys(3, 7, 4, 1, 0), NOP], [BigInt(AREA.data)]],
];

const STEPS: readonly Case[] = LEVEL_NAMES.flatMap((level) =>
  [0n, MDSCR.atEl1].flatMap((atEl1) =>
    [0n, SINGLE_STEP].flatMap((state) =>
      STEPPED.map(
        ([name, words, registers = []]): Case => ({
          name: `a step at ${level} of ${name}, PSTATE.SS ${state}, KDE ${atEl1}`,
          system: settings(MDSCR.steps | atEl1),
          pstate: UNMASKED[level] | state,
          registers,
          words,
        }),
      ),
    ),
  ),
);

const CLEAR_D = a64.msrImmediate(3, 7, 8);
const AT_EL1 = settings(MDSCR.steps | MDSCR.atEl1);
const CHANGES: readonly Case[] = [
  { name: "no step while masked", system: AT_EL1, pstate: PSTATE.el1 | SINGLE_STEP, words: [NOP, NOP] },
  { name: "a step that unmasks", system: AT_EL1, pstate: PSTATE.el1 | SINGLE_STEP, words: [NOP, CLEAR_D, NOP] },
  {
    name: "steps that begin at their own level",
    system: settings(0n),
    pstate: UNMASKED.el1,
    registers: [MDSCR.steps | MDSCR.atEl1],
    words: [a64.msr("mdscr_el1", 0), a64.ISB, NOP],
  },
  {
    name: "steps that end at their own level",
    system: AT_EL1,
    pstate: PSTATE.el1 | SINGLE_STEP,
    words: [a64.msr("mdscr_el1", 31), a64.ISB, CLEAR_D, NOP],
  },
  {
    name: "a step of eret",
    system: AT_EL1,
    pstate: UNMASKED.el1 | SINGLE_STEP,
    registers: [CODE, UNMASKED.el1 | SINGLE_STEP],
    setup: [],
    words: [a64.ERET],
  },
  { name: "an illegal state", system: AT_EL1, pstate: UNMASKED.el1 | SINGLE_STEP | (1n << 20n), words: [NOP] },
  { name: "an illegal state, pending", system: AT_EL1, pstate: UNMASKED.el1 | (1n << 20n), words: [NOP] },
  {
    name: "no step while the double lock is held",
    system: [...settings(0n), ["osdlr_el1", 1n], ["mdscr_el1", MDSCR.steps]],
    pstate: PSTATE.el0 | SINGLE_STEP,
    words: [NOP, NOP],
  },
];

/** Two breakpoints; each control: enabled, the levels EL1 and EL0, the security state. */
const CONTROL = { enabled: 1n, el1: 2n, el0: 4n, words: 0xfn << 5n, securityShift: 14n } as const;
/** What breakpoints are in: the code of the first case. */
const BROKEN: Case = { name: "code for others", pstate: PSTATE.el0, words: [NOP, NOP, NOP, a64.svc(1)] };

function breakpoint(name: string, monitors: readonly (readonly [bigint, bigint])[], rest: Partial<Case> = {}): Case {
  const registers = monitors.flatMap(([value, control], index): SystemSettings => {
    const number = index === 0 ? 0 : 1;
    return [
      [`dbgbvr${number}_el1`, value],
      [`dbgbcr${number}_el1`, control],
    ];
  });
  return {
    name,
    system: settings(MDSCR.monitors | MDSCR.atEl1, ...registers),
    registers: [CODE],
    words: [a64.branchTo(0)],
    ...rest,
  };
}

const BREAKPOINTS: readonly Case[] = [
  BROKEN,
  ...LEVEL_NAMES.flatMap((level) => [
    ...[0n, CONTROL.el1, CONTROL.el0, CONTROL.el1 | CONTROL.el0].flatMap((levels) =>
      [0n, 1n, 2n].flatMap((security) =>
        [0n, CONTROL.enabled].map((enabled) => {
          const control = enabled | levels | CONTROL.words | (security << CONTROL.securityShift);
          const name = `a breakpoint at ${level}, control 0x${control.toString(16)}`;
          return breakpoint(name, [[CODE + 8n, control]], { pstate: UNMASKED[level] });
        }),
      ),
    ),
    ...[0, 1, 2, 3, 4].map((index) =>
      breakpoint(
        `two breakpoints at ${level}, instruction ${index}`,
        [
          [CODE + 12n, 0x1e7n],
          [CODE + BigInt(4 * index), 0x1e7n],
        ],
        { pstate: UNMASKED[level] },
      ),
    ),
    breakpoint(`no breakpoint without MDE, at ${level}`, [[CODE, 0x1e7n]], {
      pstate: UNMASKED[level],
      system: settings(MDSCR.atEl1, ["dbgbvr0_el1", CODE], ["dbgbcr0_el1", 0x1e7n]),
    }),
    breakpoint(`no breakpoint without KDE, at ${level}`, [[CODE, 0x1e7n]], {
      pstate: UNMASKED[level],
      system: settings(MDSCR.monitors, ["dbgbvr0_el1", CODE], ["dbgbcr0_el1", 0x1e7n]),
    }),
    breakpoint(`a breakpoint and a step, at ${level}`, [[CODE, 0x1e7n]], {
      pstate: UNMASKED[level] | SINGLE_STEP,
      system: settings(MDSCR.monitors | MDSCR.atEl1 | MDSCR.steps, ["dbgbvr0_el1", CODE], ["dbgbcr0_el1", 0x1e7n]),
    }),
  ]),
  breakpoint("no breakpoint while masked", [[CODE, 0x1e7n]], { pstate: PSTATE.el1 }),
];

/** In the upper half: a page that everybody may write, and one behind it. */
const UPPER = 0xffff_ff80_0000_0000n;
const PAGE_BYTES = 0x1000;
const TABLE = [0, 1, 2].map((index) => AREA.data + 0x4_0000 + index * PAGE_BYTES) as [number, number, number];
const USER_PAGE = 0x743n;
const WATCHED = UPPER + 0x100n;
const watchedTables: ReadonlyMap<number, bigint> = new Map([
  [TABLE[0], BigInt(TABLE[1]) | 3n],
  [TABLE[1], BigInt(TABLE[2]) | 3n],
  [TABLE[2], BigInt(AREA.data) | USER_PAGE],
  [TABLE[2] + 8, BigInt(AREA.data + PAGE_BYTES) | USER_PAGE],
]);
/** With the bytes to which QEMU 7.2 aligns them where a watchpoint is near. */
const ACCESSES: readonly (readonly [name: string, word: number, alignment: bigint])[] = [
  ["ldrb", 0x3940_0002, 1n],
  ["ldr w", 0xb940_0002, 4n],
  ["ldr x", LDR_X2_X0, 8n],
  ["ldp x", 0xa940_0c02, 8n],
  ["ldr q", 0x3dc0_0000, 8n],
  ["ldtr", 0xf840_0802, 8n],
  ["ldxr", LDXR_X2_X0, 8n],
  ["prfm", 0xf980_0000, 1n],
  ["dc cvac", a64.sys(3, 7, 10, 1, 0), 1n],
  ["strh", 0x7900_0001, 2n],
  ["str x", STR_X1_X0, 8n],
  ["stp x", 0xa900_0801, 8n],
  ["stp q", 0xad00_0400, 8n],
  ["sttr", 0xf800_0801, 8n],
  ["stlr", 0xc89f_fc01, 8n],
  ["dc zva", a64.sys(3, 7, 4, 1, 0), 64n],
];
/** An access before, which may know the translation afterwards, is of another place. */
function watchpoint(name: string, address: bigint, word: number, rest: SystemSettings, pstate: bigint): Case {
  return {
    name,
    system: [
      ["ttbr1_el1", BigInt(TABLE[0])],
      ["sctlr_el1", 0x34d0_1805n],
      ...settings(MDSCR.monitors | MDSCR.atEl1, ...rest),
    ],
    registers: [address, 0x1122n],
    pstate,
    words: [0x3960_0404, word],
  };
}

const WATCHPOINTS: readonly Case[] = ACCESSES.flatMap(([name, word, alignment]) =>
  LEVEL_NAMES.flatMap((level) => [
    ...[-16n, -8n, -1n, 0n, 3n, 4n, 7n, 8n]
      .filter((offset) => offset % alignment === 0n)
      .flatMap((offset) =>
        [0xffn, 0x01n, 0x80n, 0x3cn].map((selected) => {
          const control = 0x7n | WATCHES.loads | WATCHES.stores | (selected << WATCHES.bytesShift);
          return watchpoint(
            `${name} at ${level}, offset ${offset}, bytes 0x${selected.toString(16)}`,
            WATCHED + offset,
            word,
            [
              ["dbgwvr1_el1", WATCHED],
              ["dbgwcr1_el1", control],
            ],
            UNMASKED[level],
          );
        }),
      ),
    ...[CONTROL.el1, CONTROL.el0].flatMap((levels) =>
      [WATCHES.loads, WATCHES.stores, 0n].map((kinds) =>
        watchpoint(
          `${name} at ${level}, levels ${levels}, kinds ${kinds}`,
          WATCHED,
          word,
          [
            ["dbgwvr0_el1", WATCHED],
            ["dbgwcr0_el1", CONTROL.enabled | levels | kinds | (0xffn << WATCHES.bytesShift)],
          ],
          UNMASKED[level],
        ),
      ),
    ),
    ...[3n, 4n, 12n].flatMap((mask) =>
      [-1n, 0n, (1n << mask) - 4n, 1n << mask]
        .filter((offset) => offset % alignment === 0n)
        .map((offset) =>
          watchpoint(
            `${name} at ${level}, offset ${offset}, mask of ${mask} bits`,
            UPPER + (mask === 12n ? BigInt(PAGE_BYTES) - (offset > 0n ? BigInt(PAGE_BYTES) : 0n) : 0x200n) + offset,
            word,
            [
              ["dbgwvr0_el1", UPPER + (mask === 12n ? 0n : 0x200n)],
              [
                "dbgwcr0_el1",
                0x7n | WATCHES.loads | WATCHES.stores | (0xffn << WATCHES.bytesShift) | (mask << WATCHES.maskShift),
              ],
            ],
            UNMASKED[level],
          ),
        ),
    ),
  ]),
);

describeWith([["qemu-system-aarch64", "qemu-system-arm"]], "debug exceptions", () => {
  const groups: readonly (readonly [string, readonly Case[]])[] = [
    ["single steps", STEPS],
    ["steps whose conditions change", CHANGES],
    ["breakpoints", BREAKPOINTS],
    ["watchpoints", WATCHPOINTS],
  ];
  for (const [what, cases] of groups) {
    it.each(TIERS)(`${what} come where QEMU's do: $tier`, ({ options, share }) => {
      const shared = cases.filter((one, index) => one === BROKEN || index % (1 / share) === 0);
      const program = buildProgram(shared, watchedTables);
      const names = shared.map(({ name }) => name);
      expect(differences(names, runInEmulator(program, options), runOnQemu(program, folder))).toEqual([]);
    });
  }
});
