import { expect, it } from "vitest";
import { disassemble } from "../../src/engine/emulator/instruction/disassemble.ts";
import type { Row } from "../../src/engine/emulator/instruction/row.ts";
import { INSTRUCTIONS } from "../../src/engine/emulator/instruction/table.ts";
import { describeWith } from "../guests/requirement.ts";
import { type Random, SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { extensionOf, objdump } from "./objdump.ts";

const WORD_MAX = 0xffff_ffff;
const RANDOM_WORDS = 300_000;
const WORDS_A_ROW = 1500;

/** Words that fit a row: each of its fields by turns at its ends, else random. */
function wordsOf({ mask, value, fields }: Row, random: Random): readonly number[] {
  return Array.from({ length: WORDS_A_ROW }, (_, round) => {
    let word = ((random.integer(0, WORD_MAX) & ~mask) | value) >>> 0;
    const field = fields[round % (fields.length + 1)];
    if (field !== undefined) {
      const ones = (2 ** field.width - 1) << field.shift;
      word = random.integer(0, 1) === 0 ? word & ~ones : word | ones;
    }
    return word >>> 0;
  });
}

/** How ours and objdump's differ; undefined where they agree. */
function difference(word: number, ours: string | undefined, theirs: string | undefined): string | undefined {
  if (ours === theirs) return undefined;
  if (theirs !== undefined && ours === undefined && extensionOf(word, theirs) !== undefined) return undefined;
  // Registers that the emulator has not, and immediates of MSR beyond those that mean something, are written by number.
  if (theirs !== undefined && ours !== undefined && /^(msr|mrs) /.test(ours) && /^(msr|mrs) /.test(theirs)) {
    if (/\bs[23]_\d_c/.test(ours) || /\bs0_/.test(theirs)) return undefined;
  }
  return `${word.toString(16).padStart(8, "0")}: ${ours ?? "not allocated"}, objdump: ${theirs ?? "not allocated"}`;
}

function differences(words: readonly number[]): readonly string[] {
  const texts = objdump(words, folder);
  return words.flatMap((word, index) => difference(word, disassemble(word, 4 * index), texts[index]) ?? []);
}

const folder = temporaryFolder();

describeWith([["aarch64-linux-gnu-objdump", "binutils-aarch64-linux-gnu"]], "the instruction table", () => {
  it(`agrees with objdump on words of every row (seed ${SEED})`, { timeout: 120_000 }, () => {
    const random = seededRandom();
    const found = differences(INSTRUCTIONS.flatMap((row) => wordsOf(row, random)));
    expect(found.slice(0, 20)).toEqual([]);
  });

  it(`agrees with objdump on random words (seed ${SEED})`, { timeout: 120_000 }, () => {
    const random = seededRandom();
    const words = Array.from({ length: RANDOM_WORDS }, () => random.integer(0, WORD_MAX));
    const found = differences(words);
    expect(found.slice(0, 20)).toEqual([]);
  });

  it("has one row for a word at most, but for aliases by guard", () => {
    const names = INSTRUCTIONS.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});
