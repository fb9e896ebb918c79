import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { KERNELS } from "../../bench/emulator/kernels.ts";
import { instructionCounter, NATIVE, qemuSystem, type Runner } from "../../bench/emulator/runners.ts";
import { buildVirtProgram } from "../../bench/emulator/virt.ts";
import { describeWith } from "../guests/requirement.ts";

const folder = mkdtempSync(join(tmpdir(), "skiff-virt-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWith(
  [
    ["make", "make"],
    ["aarch64-linux-gnu-gcc", process.arch === "arm64" ? "gcc" : "gcc-aarch64-linux-gnu"],
    ["qemu-system-aarch64", "qemu-system-arm"],
  ],
  "the kernels on QEMU's virt board",
  () => {
    let system: Runner;
    let counter: Runner;
    beforeAll(() => {
      const program = buildVirtProgram(folder);
      [system, counter] = [qemuSystem("virt", program, []), instructionCounter(program)];
    });

    it.each(KERNELS)("%s computes what it does natively", (kernel) => {
      const [expected] = NATIVE.run(kernel, 3, 1).repeats;
      const { repeats } = system.run(kernel, 3, 2);
      expect(repeats.map(({ checksum }) => checksum)).toEqual([expected.checksum, expected.checksum]);
    });

    it("are timed in instructions", () => {
      const [{ ns }] = counter.run("chase", 2, 1).repeats;
      // A step of the list is a loop of five.
      expect(ns / (2 * 65_536)).toBeCloseTo(5, 2);
    });

    it("end with a line where there is no such kernel", () => {
      const run = () => system.run("nothing" as (typeof KERNELS)[number], 1, 1);
      expect(run).toThrow("kernels: there is no 'nothing'");
    });
  },
);
