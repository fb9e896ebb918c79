import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Contender, compare, ratio } from "./support/compare.ts";
import { GUEST_ARCHITECTURE, onPath, staticHello, temporaryFolder } from "./support/peers.ts";
import { keepResult, printComparison, printTargets, ROOT, type Target } from "./support/report.ts";
import { pinTo, timeToExitNs } from "./support/spawn.ffi.ts";

const ROUNDS = 400;

/** From exec to exit: hello as Skiff's executable, under upstream's tender, as a static C program, and natively. */
export function run(): void {
  pinTo(0);
  const folder = temporaryFolder();
  const image = join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/hello.spt`);
  const built = join(folder, "hello");
  execFileSync(process.execPath, [join(ROOT, "dist/skiff.cjs"), "build", image, "-o", built]);
  const contenders: Contender[] = [
    { name: "skiff build", measure: () => timeToExitNs({ path: built, args: [] }) },
    {
      name: "native, no libc",
      measure: () => timeToExitNs({ path: join(ROOT, `guests/native/${GUEST_ARCHITECTURE}/hello`), args: [] }),
    },
  ];
  const notes: string[] = [];
  const glibc = staticHello(folder);
  if (glibc === undefined) notes.push("no gcc on PATH: no static glibc program to compare with");
  else contenders.push({ name: "static glibc", measure: () => timeToExitNs({ path: glibc, args: [] }) });
  const tender = onPath("solo5-spt");
  if (tender === undefined) notes.push("no solo5-spt on PATH: upstream's tender is not measured");
  else contenders.push({ name: "solo5-spt", measure: () => timeToExitNs({ path: tender, args: [image] }) });
  const comparison = compare(contenders, ROUNDS, 20);
  const ratios = contenders.slice(1).map(({ name }) => ratio(comparison, "skiff build", name));
  printComparison(comparison, ratios, "ms", 1e6);
  const limits: Readonly<Record<string, number>> = { "solo5-spt": 0.5, "static glibc": 1 };
  const targets = ratios.flatMap(({ to, median }): Target[] => {
    const limit = limits[to];
    return limit === undefined ? [] : [{ says: `time of skiff build / ${to}`, value: median, limit }];
  });
  printTargets(targets);
  for (const note of notes) console.log(`  ${note}`);
  keepResult("start", { unit: "ns", medians: comparison.medians, ratios, targets, rounds: ROUNDS }, notes);
}
