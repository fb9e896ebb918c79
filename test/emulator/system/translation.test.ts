import { expect, it } from "vitest";
import { describeWith } from "../../guests/requirement.ts";
import { type Random, SEED, seededRandom } from "../../support/random.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { MAPPINGS_MAX, randomMapping } from "./mapping.ts";
import { AREA, buildProgram, type Case, PSTATE } from "./program.ts";
import { differences, runInEmulator, runOnQemu, TIERS } from "./run.ts";
import * as a64 from "./words.ts";

const { SKIFF_DIFFERENTIAL_ROUNDS = "1" } = process.env;
const ROUNDS = Number(SKIFF_DIFFERENTIAL_ROUNDS);
const CASES = 600;
const PAGE_BYTES = 0x1000;
const DATA_PAGES = 64;

const folder = temporaryFolder();

/** What is tried with an address in X0, and a value in X1. */
const ATTEMPTS: readonly (readonly [name: string, words: readonly number[]])[] = [
  ["ldr", [0xf940_0002]],
  ["str", [0xf900_0001]],
  ["ldrb", [0x3940_0002]],
  ["strh", [0x7900_0001]],
  ["ldp q", [0xad40_0400]],
  ["ldtr", [0xf840_0802]],
  ["sttr", [0xf800_0801]],
  ["ldxr, stxr", [0xc85f_7c02, 0xc803_7c01]],
  ["stlr", [0xc89f_fc01]],
  ["br", [a64.branchTo(0)]],
  ["dc zva", [a64.sys(3, 7, 4, 1, 0)]],
  ...[0, 1, 2, 3].map((op2): [string, number[]] => [`at ${op2}`, [a64.sys(0, 7, 8, op2, 0), a64.ISB]]),
];

/** In each page other instructions than elsewhere, so that loads and SVC tell where they come from. */
function pagesOfData(): Uint8Array {
  const words = Array.from({ length: (DATA_PAGES * PAGE_BYTES) / 4 }, (_, index) =>
    a64.svc(Math.floor((4 * index) / PAGE_BYTES)),
  );
  return new Uint8Array(Uint32Array.from(words).buffer);
}

function randomCase(random: Random, index: number, tables: Map<number, bigint>): Case {
  const target =
    AREA.data + PAGE_BYTES * random.integer(0, DATA_PAGES - 1) + 16 * random.integer(0, PAGE_BYTES / 16 - 1);
  const [what, words] = random.pick(ATTEMPTS);
  // In memory of devices DC ZVA faults (C6.2, DC), which QEMU 7.2 does not know.
  const mapping = randomMapping(random, index, target, what === "dc zva");
  for (const [address, descriptor] of mapping.tables) tables.set(address, descriptor);
  const [level, pstate] = random.pick(Object.entries(PSTATE));
  return {
    name: `${what} at ${level}, ${mapping.name}`,
    system: mapping.system,
    pstate,
    registers: [mapping.virtual, random.bigint(0n, 2n ** 64n - 1n)],
    words,
  };
}

describeWith([["qemu-system-aarch64", "qemu-system-arm"]], "translation", () => {
  it.each(TIERS)(
    `of random addresses by random tables does what QEMU does: $tier (seed ${SEED})`,
    { timeout: 600_000 },
    ({ options, share }) => {
      const random = seededRandom();
      for (let round = 0; round < ROUNDS; round++) {
        const tables = new Map<number, bigint>();
        const cases = Array.from({ length: Math.min(CASES * share, MAPPINGS_MAX) }, (_, index) =>
          randomCase(random, index, tables),
        );
        const program = buildProgram(cases, tables, pagesOfData());
        const names = cases.map(({ name }) => name);
        expect(
          differences(names, runInEmulator(program, options), runOnQemu(program, folder)),
          `round ${round}`,
        ).toEqual([]);
      }
    },
  );
});
