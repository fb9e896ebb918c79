import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compare, ratio } from "./support/compare.ts";
import { GUEST_ARCHITECTURE, temporaryFolder } from "./support/peers.ts";
import { keepResult, printComparison, printTargets, ROOT, type Target } from "./support/report.ts";
import { type Program, pinTo, start, wait } from "./support/spawn.ffi.ts";

const ROUNDS = 31;
const RATIO_MAX = 1.02;

/** Arguments that make a kernel run for some tens of milliseconds. */
const KERNELS: Readonly<Record<string, readonly string[]>> = {
  prime: ["200"],
  sieve: ["20"],
  sha256: ["200"],
  matmul: ["60"],
  crc32: ["20"],
  chase: ["2097152"],
  stream: ["20"],
};

/** The compute kernels as guests of the process engine against their native builds: the same object code. */
export function run(): void {
  pinTo(1);
  const folder = temporaryFolder();
  const targets: Target[] = [];
  const measured: Record<string, unknown> = {};
  for (const [kernel, args] of Object.entries(KERNELS)) {
    const guest = join(folder, kernel);
    const image = join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/${kernel}.spt`);
    execFileSync(process.execPath, [join(ROOT, "dist/skiff.cjs"), "build", image, "-o", guest]);
    const native = join(ROOT, `guests/native/${GUEST_ARCHITECTURE}/${kernel}`);
    const output = join(folder, "output");
    const comparison = compare(
      [
        { name: `${kernel} as guest`, measure: () => kernelNs({ path: guest, args }, output) },
        { name: `${kernel} native`, measure: () => kernelNs({ path: native, args }, output) },
      ],
      ROUNDS,
      2,
    );
    const compared = ratio(comparison, `${kernel} as guest`, `${kernel} native`);
    printComparison(comparison, [compared], "ms", 1e6);
    targets.push({ says: `time of ${kernel} as guest / native`, value: compared.median, limit: RATIO_MAX });
    measured[kernel] = { args, unit: "ns", medians: comparison.medians, ratio: compared };
  }
  printTargets(targets);
  keepResult("compute", { ...measured, rounds: ROUNDS, targets }, []);
}

/** The time that the kernel itself measured and printed. */
function kernelNs(program: Program, output: string): number {
  const descriptor = openSync(output, "w");
  const status = wait(start({ ...program, output: descriptor }));
  closeSync(descriptor);
  // STREAM prints a time for each of its loops, the others one.
  const times = [...readFileSync(output, "utf8").matchAll(/ (?:best_)?ns=([0-9]+)/g)].map((match) => Number(match[1]));
  if (status !== 0 || times.length === 0)
    throw new Error(`${program.path} ended with wait status ${status} and no time`);
  return times.reduce((sum, time) => sum + time, 0);
}
