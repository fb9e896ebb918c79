import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Machine, parseImage } from "../src/index.ts";
import { kvmEmulates } from "../src/monitor/kvm-machine.ts";
import { AARCH64_FAULTS, X86_64_FAULTS } from "../test/engine/kvm/fault-cases.ts";
import { type Contender, compare } from "./support/compare.ts";
import { EMULATED_KVM_NOTE, requireKvm } from "./support/kvm.ts";
import { GUEST_ARCHITECTURE, onPath } from "./support/peers.ts";
import { keepResult, printComparison, printTargets, ROOT } from "./support/report.ts";
import { timeToExitNs } from "./support/spawn.ffi.ts";
import { median, medianInterval } from "./support/statistics.ts";

const ROUNDS = 60;
const ADDED_MS_MAX = 45;
const MACHINES = 60;
const FURTHER_MS_MAX = 2;

/** `skiff run` of hello on KVM against Node's own bare start, and what a further machine in one process takes. */
export async function run(): Promise<void> {
  requireKvm();
  const image = join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/hello.hvt`);
  const node = process.execPath;
  const contenders: Contender[] = [
    { name: "node -e 0", measure: () => timeToExitNs({ path: node, args: ["-e", "0"] }) },
    {
      name: "skiff run hello.hvt",
      measure: () => timeToExitNs({ path: node, args: [join(ROOT, "dist/skiff.cjs"), "run", image] }),
    },
  ];
  const notes = kvmEmulates() ? [EMULATED_KVM_NOTE] : [];
  const tender = onPath("solo5-hvt");
  if (tender === undefined) notes.push("no solo5-hvt on PATH: upstream's tender is not measured");
  else contenders.push({ name: "solo5-hvt", measure: () => timeToExitNs({ path: tender, args: [image] }) });
  const comparison = compare(contenders, ROUNDS, 3);
  printComparison(comparison, [], "ms", 1e6);
  const bare = comparison.samples["node -e 0"] ?? [];
  const added = (comparison.samples["skiff run hello.hvt"] ?? []).map(
    (value, round) => (value - (bare[round] ?? Number.NaN)) / 1e6,
  );
  const further = await furtherMachinesMs(image);
  const targets = [
    { says: "ms that skiff run on KVM adds to Node's start", value: median(added), limit: ADDED_MS_MAX },
    {
      says: "ms until a further machine in the process has run its first instruction",
      value: median(further),
      limit: FURTHER_MS_MAX,
    },
  ];
  printTargets(targets);
  for (const note of notes) console.log(`  ${note}`);
  keepResult(
    "kvm-start",
    {
      unit: "ns",
      medians: comparison.medians,
      addedMs: median(added),
      addedMsInterval: medianInterval(added),
      furtherMachineMs: median(further),
      furtherMachineMsInterval: medianInterval(further),
      furtherMachines: further.length,
      targets,
      rounds: ROUNDS,
    },
    notes,
  );
}

/** From the making of a machine until Skiff has seen what its first instruction did, round by round. */
async function furtherMachinesMs(hello: string): Promise<number[]> {
  const samples: number[] = [];
  // The process' first machine loads what all share.
  const first = Machine.start({ image: parseImage(readFileSync(hello)) });
  await first.exited;
  const [cases, name] =
    process.arch === "arm64" ? [AARCH64_FAULTS, "undefined instruction"] : [X86_64_FAULTS, "write to another port"];
  const file = cases.find((one) => one.name === name)?.image;
  if (file === undefined) throw new Error(`there is no guest whose first instruction is: ${name}`);
  const image = parseImage(file);
  for (let index = 0; index < MACHINES; index++) {
    const before = performance.now();
    const machine = Machine.start({ image });
    await machine.exited;
    samples.push(performance.now() - before);
  }
  return samples;
}
