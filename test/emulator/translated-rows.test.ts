/** Which rows the translator leaves to the interpreter: those that it lists, and no others. */
import { describe, expect, it } from "vitest";
import { fieldsOf, type Row } from "../../src/engine/emulator/instruction/row.ts";
import { decode, INSTRUCTIONS } from "../../src/engine/emulator/instruction/table.ts";
import { GUEST_ADDRESS, STATE } from "../../src/engine/emulator/layout.ts";
import type { Processor } from "../../src/engine/emulator/processor/processor.ts";
import { flowOf, NEVER_TRANSLATED } from "../../src/engine/emulator/translator/flow.ts";
import { SEED, seededRandom } from "../support/random.ts";
import { randomInstruction } from "./differential/generate.ts";
import { DATA_BYTES, ENTRY_ADDRESS } from "./differential/program.ts";
import { makeProcessor } from "./differential/run.ts";

const SVC = 0xd400_0001;
const PSTATE_EL0 = 0x3c0n;
const DATA_ADDRESS = 0x80_0000;
const BUDGET = 1000;
const WORDS_A_ROW = 50;
/** An instruction that leaves for what its operands are may not do so with others. */
const ATTEMPTS_MAX = 20;

/** @returns the instructions that were interpreted up to the system call behind the words, with what the exception takes. */
function interpretedOf(processor: Processor, words: readonly number[]): bigint {
  const { memory } = processor;
  const code = [...words, SVC];
  for (const [index, word] of code.entries())
    memory.view.setUint32(GUEST_ADDRESS + ENTRY_ADDRESS + 4 * index, word, true);
  memory.forgetInstructions(ENTRY_ADDRESS, 4 * code.length);
  for (let register = 0; register < 31; register++) processor.setRegister(register, BigInt(register));
  memory.view.setUint32(STATE.fpcr, 0, true);
  processor.pstate = PSTATE_EL0;
  processor.setRegister(31, BigInt(DATA_ADDRESS + DATA_BYTES / 2));
  processor.pc = BigInt(ENTRY_ADDRESS);
  const before = processor.instructionCounts.interpreted;
  while (processor.run(BUDGET) !== "stopped");
  const { interpreted } = processor.instructionCounts;
  processor.settle();
  return interpreted - before;
}

describe("rows that are never translated", () => {
  it("are those that the translator lists", () => {
    const random = seededRandom();
    const isLeft = (row: Row) => {
      const words = Array.from(
        { length: WORDS_A_ROW },
        () => ((random.integer(0, 0xffff_ffff) & ~row.mask) | row.value) >>> 0,
      );
      const own = words.filter((word) => decode(word) === row);
      return own.length > 0 && own.every((word) => flowOf(row.name, fieldsOf(row, word)).kind === "leave");
    };
    const left = INSTRUCTIONS.filter(isLeft).map(({ name }) => name);
    expect(left.sort()).toEqual([...NEVER_TRANSLATED].sort());
  });

  it(`are all that are not translated (seed ${SEED})`, { timeout: 120_000 }, () => {
    const random = seededRandom();
    const processor = makeProcessor({ translation: "all", counts: true });
    interpretedOf(processor, []);
    const around = interpretedOf(processor, []);
    const isTranslated = (row: Row) => {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (interpretedOf(processor, randomInstruction(row, random, DATA_ADDRESS)) === around) return true;
      }
      return false;
    };
    // Those of the list that go on with the next instruction show that the count tells.
    const leaving = INSTRUCTIONS.filter(({ name }) => NEVER_TRANSLATED.has(name) && name.endsWith("unprivileged"));
    expect(leaving.filter(isTranslated).map(({ name }) => name)).toEqual([]);
    const rows = INSTRUCTIONS.filter(({ name }) => !NEVER_TRANSLATED.has(name));
    expect(rows.filter((row) => !isTranslated(row)).map(({ name }) => name)).toEqual([]);
  });
});
