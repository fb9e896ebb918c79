/** How an emulated guest starts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Machine, parseImage } from "../../src/index.ts";
import { compare } from "../support/compare.ts";
import { printComparison, ROOT, type Target } from "../support/report.ts";
import { timeToExitNs } from "../support/spawn.ffi.ts";
import { median, medianInterval } from "../support/statistics.ts";
import { HELLO_IMAGE } from "./guest.ts";

const MACHINES = 60;
const LIMITS = { addedMs: 80, furtherMachineMs: 3 } as const;

export interface Start {
  readonly targets: readonly Target[];
  readonly measured: Readonly<Record<string, unknown>>;
}

/** `skiff run` of hello against Node's own bare start, and what a further machine of the image takes in one process. */
export async function measureStart(rounds: number): Promise<Start> {
  const node = process.execPath;
  const skiff = [join(ROOT, "dist/skiff.cjs"), "run", "--engine", "emulator", HELLO_IMAGE];
  const comparison = compare(
    [
      { name: "node -e 0", measure: () => timeToExitNs({ path: node, args: ["-e", "0"] }) },
      { name: "skiff run hello.hvt", measure: () => timeToExitNs({ path: node, args: skiff }) },
    ],
    rounds,
    2,
  );
  printComparison(comparison, [], "ms", 1e6);
  const bare = comparison.samples["node -e 0"] ?? [];
  const added = (comparison.samples["skiff run hello.hvt"] ?? []).map(
    (value, round) => (value - (bare[round] ?? Number.NaN)) / 1e6,
  );
  const further = await furtherMachinesMs();
  return {
    targets: [
      { says: "ms that skiff run adds to Node's start", value: median(added), limit: LIMITS.addedMs },
      {
        says: "ms of hello on a further machine in the process",
        value: median(further),
        limit: LIMITS.furtherMachineMs,
      },
    ],
    measured: {
      unit: "ns",
      medians: comparison.medians,
      rounds,
      addedMs: median(added),
      addedMsInterval: medianInterval(added),
      furtherMachineMs: median(further),
      furtherMachineMsInterval: medianInterval(further),
      furtherMachines: further.length,
    },
  };
}

/** From the making of a machine to the guest's end. The process' first one, which compiles what all share, does not count. */
async function furtherMachinesMs(): Promise<readonly number[]> {
  const image = parseImage(readFileSync(HELLO_IMAGE));
  const samples: number[] = [];
  for (let index = -1; index < MACHINES; index++) {
    const before = performance.now();
    const machine = Machine.start({ image, engine: "emulator" });
    const { status } = await machine.exited;
    if (status !== 0) throw new Error(`hello ended with status ${status}`);
    if (index >= 0) samples.push(performance.now() - before);
  }
  return samples;
}
