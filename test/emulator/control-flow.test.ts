import { expect, it } from "vitest";
import { GUEST_ADDRESS } from "../../src/engine/emulator/layout.ts";
import type { Translation } from "../../src/engine/emulator/processor/processor.ts";
import { describeWith } from "../guests/requirement.ts";
import { SEED, seededRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { ASSEMBLER, DATA_ADDRESS, loadProgram, runToEnd } from "./bare.ts";
import { DATA_BYTES, randomProgram } from "./random-program.ts";

const folder = temporaryFolder();
const PROGRAMS = 40;
const BUDGET = 700;
const TURNS_MAX = 100_000;

function outcome(source: string, translation: Translation): string {
  const processor = loadProgram(source, folder, { translation });
  runToEnd(processor, BUDGET, TURNS_MAX);
  const registers = Array.from({ length: 32 }, (_, number) => processor.getRegister(number).toString(16));
  const data = processor.memory.bytes.slice(GUEST_ADDRESS + DATA_ADDRESS, GUEST_ADDRESS + DATA_ADDRESS + DATA_BYTES);
  return [...registers, processor.nzcv.toString(16), Buffer.from(data).toString("hex")].join(" ");
}

describeWith([ASSEMBLER], "control flow", () => {
  it(`is the interpreter's in translated code, too (seed ${SEED})`, { timeout: 300_000 }, () => {
    const random = seededRandom();
    for (let program = 0; program < PROGRAMS; program++) {
      const source = randomProgram(random);
      const expected = outcome(source, "none");
      for (const translation of ["hot", "all"] as const) {
        expect(outcome(source, translation), `program ${program}, ${translation}:\n${source}`).toBe(expected);
      }
    }
  });
});
