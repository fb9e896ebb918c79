import {
  type Extent,
  measureKernel,
  printHead,
  printKernel,
  type Runners,
  record,
  speedTargets,
} from "./emulator/compute.ts";
import { KERNELS } from "./emulator/kernels.ts";
import { parseOptions } from "./emulator/options.ts";
import {
  bundleSkiff,
  instructionCounter,
  missingPackages,
  NATIVE,
  QEMU_USER,
  qemuSystem,
  skiffRunner,
} from "./emulator/runners.ts";
import { measureStart } from "./emulator/start.ts";
import { buildVirtProgram } from "./emulator/virt.ts";
import { measureWarmUp, printWarmUp } from "./emulator/warm-up.ts";
import { temporaryFolder } from "./support/peers.ts";
import { keepResult, printTargets } from "./support/report.ts";

const FULL = { kernels: { repeatNs: 300e6, repeats: 4, rounds: 7 } satisfies Extent, starts: 31 };
const QUICK = { kernels: { repeatNs: 100e6, repeats: 3, rounds: 3 } satisfies Extent, starts: 5 };

/**
 * The emulator against QEMU, as a program of Linux and as a machine, and against native code, all of the same C; its
 * warm-up; and how it starts. Only a full run of all kernels is kept.
 */
export async function run(words: readonly string[]): Promise<void> {
  const options = parseOptions(words);
  const missing = missingPackages();
  if (typeof options === "string" || missing.length > 0) {
    console.error(typeof options === "string" ? options : `the benchmark needs the packages ${missing.join(", ")}`);
    process.exitCode = 1;
    return;
  }
  const { kernels, isQuick } = options;
  const extent = isQuick ? QUICK : FULL;
  const runners = makeRunners(temporaryFolder());
  printHead(runners);
  const measured = kernels.map((kernel) => {
    const result = measureKernel(kernel, extent.kernels, runners);
    printKernel(result, runners);
    return result;
  });
  const warmUps = isQuick ? [] : measured.map((result) => [result.kernel, measureWarmUp(result, runners)] as const);
  printWarmUp(warmUps);
  const start = await measureStart(extent.starts);
  const targets = [...speedTargets(measured, runners), ...start.targets];
  printTargets(targets);
  if (isQuick || kernels.length < KERNELS.length) return;
  keepResult(
    "emulator",
    {
      extent,
      kernels: Object.fromEntries(measured.map((result) => [result.kernel, record(result, runners)])),
      warmUp: Object.fromEntries(warmUps),
      start: start.measured,
      targets,
    },
    [],
  );
}

function makeRunners(folder: string): Runners {
  const [skiff, virt] = [bundleSkiff(folder), buildVirtProgram(folder)];
  return {
    skiff: skiffRunner("skiff", skiff, []),
    user: QEMU_USER,
    system: qemuSystem("qemu-system", virt, []),
    native: NATIVE,
    interpreter: skiffRunner("interpreter", skiff, ["--interpret"]),
    counted: skiffRunner("skiff, counting", skiff, ["--count"]),
    counter: instructionCounter(virt),
  };
}
