import { type Extent, measureKernel, printHead, printKernel, speedOver, speedTargets } from "./emulator/compute.ts";
import { parseOptions } from "./emulator/options.ts";
import { bundleSkiff, instructionCounter, NATIVE, QEMU_USER, qemuSystem, skiffRunner } from "./emulator/runners.ts";
import { buildVirtProgram } from "./emulator/virt.ts";
import { temporaryFolder } from "./support/peers.ts";
import { keepResult, printTargets } from "./support/report.ts";

const FULL: Extent = { repeatNs: 300e6, repeats: 4, rounds: 7 };
const QUICK: Extent = { repeatNs: 100e6, repeats: 2, rounds: 3 };

/** The emulator against QEMU and native code, of the same C sources. */
export function run(words: readonly string[]): void {
  const { kernels, isQuick } = parseOptions(words);
  const folder = temporaryFolder();
  const program = buildVirtProgram(folder);
  const runners = {
    skiff: skiffRunner("skiff", bundleSkiff(folder), []),
    user: QEMU_USER,
    system: qemuSystem("qemu-system", program, []),
    native: NATIVE,
    counter: instructionCounter(program),
  };
  const extent = isQuick ? QUICK : FULL;
  printHead(runners);
  const measured = kernels.map((kernel) => {
    const result = measureKernel(kernel, extent, runners);
    printKernel(result, runners);
    return result;
  });
  const targets = speedTargets(measured, runners);
  printTargets(targets);
  const perKernel = measured.map((result) => {
    const { kernel, rounds, instructionsPerRound, comparison } = result;
    const speeds = [runners.user, runners.system, runners.native].map((other) => speedOver(result, runners, other));
    return [kernel, { rounds, instructionsPerRound, unit: "ns a round", medians: comparison.medians, speeds }];
  });
  keepResult("emulator", { extent, kernels: Object.fromEntries(perKernel), targets }, []);
}
