import { join } from "node:path";
import { compare } from "./support/compare.ts";
import { GUEST_ARCHITECTURE } from "./support/peers.ts";
import { keepResult, printComparison, printTargets, ROOT } from "./support/report.ts";
import { timeToExitNs } from "./support/spawn.ffi.ts";
import { median, medianInterval } from "./support/statistics.ts";

const ROUNDS = 60;
const ADDED_MS_MAX = 25;

/** `skiff run` of hello against Node's own bare start. */
export function run(): void {
  const image = join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/hello.spt`);
  const node = process.execPath;
  const comparison = compare(
    [
      { name: "node -e 0", measure: () => timeToExitNs({ path: node, args: ["-e", "0"] }) },
      {
        name: "skiff run hello",
        measure: () => timeToExitNs({ path: node, args: [join(ROOT, "dist/skiff.cjs"), "run", image] }),
      },
    ],
    ROUNDS,
    3,
  );
  printComparison(comparison, [], "ms", 1e6);
  const bare = comparison.samples["node -e 0"] ?? [];
  const added = (comparison.samples["skiff run hello"] ?? []).map(
    (value, round) => (value - (bare[round] ?? Number.NaN)) / 1e6,
  );
  const targets = [{ says: "ms that skiff run adds to Node's start", value: median(added), limit: ADDED_MS_MAX }];
  printTargets(targets);
  keepResult(
    "command",
    {
      unit: "ns",
      medians: comparison.medians,
      addedMs: median(added),
      addedMsInterval: medianInterval(added),
      targets,
      rounds: ROUNDS,
    },
    [],
  );
}
