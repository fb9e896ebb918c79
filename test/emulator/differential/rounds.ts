/** Random instructions of every row, run in the emulator's tiers and on QEMU. */
import { fieldsOf, type Row } from "../../../src/engine/emulator/instruction/row.ts";
import { decode, INSTRUCTIONS } from "../../../src/engine/emulator/instruction/table.ts";
import { HandlerLibrary } from "../../../src/engine/emulator/interpreter/handlers.ts";
import type { Translation } from "../../../src/engine/emulator/processor/processor.ts";
import type { Random } from "../../support/random.ts";
import { describeCase, findDifference } from "./compare.ts";
import { isForCases, randomInstruction, randomRegisters } from "./generate.ts";
import { buildProgram, type Case, DATA_BYTES, dataAddress } from "./program.ts";
import { runInEmulator, runOnQemu } from "./run.ts";

/** More would hide results before they are stored, fewer make more regions, of which each costs a module. */
const INSTRUCTIONS_A_CASE = 16;
const WORDS_AN_INSTRUCTION = 12;
/**
 * Rows of a program: a function for each way that each has, and one for each case that is translated, make the table of
 * functions that every module of the machine costs more for.
 */
const ROWS_A_PROGRAM = 48;
/** Instructions of each row in a round. */
export const TIMES_A_ROW = 280;
/** Attempts to find an instruction that does not write over another's result. */
const DESTINATION_ATTEMPTS = 4;

/** The tiers by what of the guest's code is translated. */
const TIERS: readonly Translation[] = ["none", "all"];

interface RowsCase extends Case {
  /** With what leads to each. */
  readonly instructions: readonly (readonly number[])[];
}

export interface RoundOptions {
  readonly random: Random;
  /** Where QEMU's files are written. */
  readonly folder: string;
}

const TESTED = INSTRUCTIONS.filter(isForCases);

/**
 * Instructions of every row in random order, in both tiers and on QEMU.
 * @returns after each program how many instructions of rows it ran, in both tiers together.
 * @throws where one leaves other registers, flags or memory than on QEMU.
 */
export function* checkRound({ random, folder }: RoundOptions): Generator<number, void> {
  const rows = shuffled(TESTED, random);
  for (let at = 0; at < rows.length; at += ROWS_A_PROGRAM) {
    const own = rows.slice(at, at + ROWS_A_PROGRAM).flatMap((row) => Array.from({ length: TIMES_A_ROW }, () => row));
    checkProgram(shuffled(own, random), random, folder);
    yield TIERS.length * own.length;
  }
}

function checkProgram(rows: readonly Row[], random: Random, folder: string): void {
  const count = Math.ceil(rows.length / INSTRUCTIONS_A_CASE);
  const wordsMax = count * INSTRUCTIONS_A_CASE * WORDS_AN_INSTRUCTION;
  const data = dataAddress(count, wordsMax);
  const cases = Array.from({ length: count }, (_, index) =>
    randomCase(rows.slice(index * INSTRUCTIONS_A_CASE, (index + 1) * INSTRUCTIONS_A_CASE), random, data),
  );
  const content = Uint8Array.from({ length: DATA_BYTES }, () => random.integer(0, 255));
  const program = buildProgram(cases, wordsMax, content);
  const expected = runOnQemu(program, folder);
  const handlers = new HandlerLibrary(false);
  for (const translation of TIERS) {
    const difference = findDifference(cases, runInEmulator(program, { translation, handlers }), expected);
    if (difference === undefined) continue;
    const tier = `with ${translation} of its code translated`;
    const own = difference.index === undefined ? undefined : cases[difference.index];
    if (own === undefined) throw new Error(`${difference.text}, ${tier}`);
    const prefixes = prefixesOf(own, cases.length);
    const smaller = buildProgram(prefixes, wordsMax, content);
    const again = findDifference(
      prefixes,
      runInEmulator(smaller, { translation, handlers }),
      runOnQemu(smaller, folder),
    );
    const first = again?.index === undefined ? undefined : prefixes[again.index];
    const narrowed =
      again === undefined || first === undefined
        ? `not by itself:\n${describeCase(own)}`
        : `by itself: ${again.text}, after\n${describeCase(first)}`;
    throw new Error(`case ${difference.index}, ${tier}: ${difference.text}\n${narrowed}`);
  }
}

/** Most destinations once, so that what an instruction made is still there at the case's end. */
function randomCase(rows: readonly Row[], random: Random, data: number): RowsCase {
  const taken = new Set<string>();
  const instructions = rows.map((row) => {
    let words = randomInstruction(row, random, data);
    for (let attempt = 1; attempt < DESTINATION_ATTEMPTS && taken.has(destinationOf(row, words)); attempt++) {
      words = randomInstruction(row, random, data);
    }
    taken.add(destinationOf(row, words));
    return words;
  });
  return { instructions, words: instructions.flat(), registers: randomRegisters(random) };
}

function destinationOf(row: Row, words: readonly number[]): string {
  const word = words.find((candidate) => decode(candidate) === row) ?? 0;
  const { Rd, Rt } = fieldsOf(row, word);
  // Bit 26 is set in all that is done with vectors (C4.1).
  return `${(word >>> 26) % 2 === 1 ? "v" : "x"}${Rd ?? Rt ?? "none"}`;
}

/** The case's first instructions, one more each time: the last of the first that differ is to blame. @param count of cases in all. */
function prefixesOf({ instructions, registers }: RowsCase, count: number): readonly Case[] {
  // As many cases as there were, so that data lie where they lay.
  return Array.from({ length: count }, (_, index) => ({ words: instructions.slice(0, index + 1).flat(), registers }));
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
