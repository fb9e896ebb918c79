import { expect, it } from "vitest";
import { describeWith } from "../../guests/requirement.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { buildProgram, type Case, PSTATE } from "./program.ts";
import { differences, runInEmulator, runOnQemu } from "./run.ts";
import * as a64 from "./words.ts";

const folder = temporaryFolder();

const LEVELS = Object.entries(PSTATE);
const INSTRUCTIONS: readonly (readonly [name: string, words: readonly number[]])[] = [
  ["svc", [a64.svc(0x1234)]],
  ["brk", [0xd420_0000 | (0xabcd << 5)]],
  ["smc", [0xd400_0003]],
  ["hlt", [a64.hlt(1)]],
  ["udf", [0]],
  ["nothing", [a64.NOP]],
];

describeWith([["qemu-system-aarch64", "qemu-system-arm"]], "exceptions", () => {
  it("are taken as QEMU takes them", () => {
    const cases = LEVELS.flatMap(([level, pstate]) =>
      INSTRUCTIONS.map(([name, words]): Case => ({ name: `${name} at ${level}`, pstate, words })),
    );
    const program = buildProgram(cases);
    const names = cases.map(({ name }) => name);
    expect(differences(names, runInEmulator(program), runOnQemu(program, folder))).toEqual([]);
  });
});
