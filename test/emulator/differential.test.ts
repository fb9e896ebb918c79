import { expect, it } from "vitest";
import { disassemble } from "../../src/engine/emulator/instruction/disassemble.ts";
import type { Row } from "../../src/engine/emulator/instruction/row.ts";
import { INSTRUCTIONS } from "../../src/engine/emulator/instruction/table.ts";
import type { Translation } from "../../src/engine/emulator/processor/processor.ts";
import { SEMANTICS } from "../../src/engine/emulator/semantics/table.ts";
import { describeWith } from "../guests/requirement.ts";
import { type Random, SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { isForCases, randomInstruction, randomRegisters } from "./differential/generate.ts";
import { BLOCK, buildProgram, type Case, DATA_BYTES, dataAddress } from "./differential/program.ts";
import { runInEmulator, runOnQemu } from "./differential/run.ts";

const { SKIFF_DIFFERENTIAL_ROUNDS = "1" } = process.env;
const ROUNDS = Number(SKIFF_DIFFERENTIAL_ROUNDS);
/** Instructions of each row and round. */
const TIMES_A_ROW = 100;
const INSTRUCTIONS_A_CASE = 8;
const WORDS_AN_INSTRUCTION = 12;
const CASES_A_PROGRAM = 1500;

const folder = temporaryFolder();

function registerAt(offset: number): string {
  if (offset < BLOCK.sp) return `x${Math.floor(offset / 8)}`;
  if (offset >= BLOCK.vectors) return `v${Math.floor((offset - BLOCK.vectors) / 16)}`;
  return ["sp", "nzcv", "fpcr", "fpsr"][(offset - BLOCK.sp) / 8] ?? "";
}

/** Where the two first differ, with the case's instructions; undefined where they do not. */
function describeDifference(cases: readonly Case[], ours: Uint8Array, theirs: Uint8Array): string | undefined {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [mine, reference] = [view(ours), view(theirs)];
  for (const [index, { words, registers }] of cases.entries()) {
    const block = DATA_BYTES + index * BLOCK.bytes;
    for (let at = 0; at < BLOCK.bytes; at += 8) {
      const [a, b] = [mine.getBigUint64(block + at, true), reference.getBigUint64(block + at, true)];
      if (a === b) continue;
      const text = words.map((word) => `  ${word.toString(16)} ${disassemble(word, 0)}`).join("\n");
      const before = view(registers);
      const inputs = Array.from({ length: BLOCK.bytes / 8 }, (_, slot) => {
        return `${registerAt(8 * slot)}=${before.getBigUint64(8 * slot, true).toString(16)}`;
      }).join(" ");
      return `case ${index}: ${registerAt(at)} is ${a.toString(16)}, in QEMU ${b.toString(16)}\n${text}\n${inputs}`;
    }
  }
  for (let at = 0; at < DATA_BYTES; at++) if (ours[at] !== theirs[at]) return `memory at ${at}`;
  return undefined;
}

function checkRows(rows: readonly Row[], random: Random, translation: Translation): string | undefined {
  const count = Math.ceil(rows.length / INSTRUCTIONS_A_CASE);
  const wordsMax = count * INSTRUCTIONS_A_CASE * WORDS_AN_INSTRUCTION;
  const data = dataAddress(count, wordsMax);
  const cases = Array.from({ length: count }, (_, index): Case => {
    const own = rows.slice(index * INSTRUCTIONS_A_CASE, (index + 1) * INSTRUCTIONS_A_CASE);
    return {
      words: own.flatMap((row) => randomInstruction(row, random, data)),
      registers: randomRegisters(random),
    };
  });
  const content = Uint8Array.from({ length: DATA_BYTES }, () => random.integer(0, 255));
  const program = buildProgram(cases, wordsMax, content);
  return describeDifference(cases, runInEmulator(program, translation), runOnQemu(program, folder));
}

function shuffled(rows: readonly Row[], random: Random): readonly Row[] {
  const result = [...rows];
  for (let index = result.length - 1; index > 0; index--) {
    const other = random.integer(0, index);
    const [a, b] = [result[index], result[other]];
    if (a !== undefined && b !== undefined) [result[index], result[other]] = [b, a];
  }
  return result;
}

describeWith([["qemu-aarch64", "qemu-user"]], "the emulator", () => {
  const tested = INSTRUCTIONS.filter((row) => isForCases(row) && SEMANTICS[row.name] !== undefined);

  it.each([
    ["interprets", "none"],
    ["translates", "all"],
  ] as const)(`%s as QEMU does, row by row (seed ${SEED})`, { timeout: 600_000 }, (_, translation) => {
    const random = seededRandom();
    for (let round = 0; round < ROUNDS; round++) {
      const all = shuffled(
        tested.flatMap((row) => Array.from({ length: TIMES_A_ROW }, () => row)),
        random,
      );
      for (let at = 0; at < all.length; at += CASES_A_PROGRAM * INSTRUCTIONS_A_CASE) {
        const rows = all.slice(at, at + CASES_A_PROGRAM * INSTRUCTIONS_A_CASE);
        expect(checkRows(rows, random, translation), `round ${round}, from ${at}`).toBeUndefined();
      }
    }
  });

  it("has a definition for every row", () => {
    expect(INSTRUCTIONS.filter(({ name }) => SEMANTICS[name] === undefined).map(({ name }) => name)).toEqual([]);
    const names = new Set(INSTRUCTIONS.map(({ name }) => name));
    expect(Object.keys(SEMANTICS).filter((name) => !names.has(name))).toEqual([]);
  });
});
