import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LOWEST_IMAGE_ADDRESS } from "../src/abi/hvt.ts";
import { Machine, parseImage } from "../src/index.ts";
import { kvmEmulates } from "../src/monitor/kvm-machine.ts";
import { EMULATED_KVM_NOTE, requireKvm } from "./support/kvm.ts";
import { GUEST_ARCHITECTURE } from "./support/peers.ts";
import { keepResult, printTargets, ROOT } from "./support/report.ts";
import { residentKib } from "./support/resident.ts";
import { median } from "./support/statistics.ts";

/** Machines that come and go first: V8's young generation grows once, whatever the number of machines. */
const PASSING = 512;
/** Those of a round are measured together; the machines before them have loaded what all share. */
const FIRST = 128;
const MACHINES = 128;
const ROUNDS = 5;
/** A size that no other mapping of the process has. */
const MEMORY_MIB = 13;
const FOREVER = ["1", "3600000000000"];
const KIB_MAX = 64;
const PAGE_KIB = 4;
const SETTLE_MS = 100;
const SETTLED_KIB = 128;
/** Rows of /proc/meminfo that count what the kernel holds, in KiB. */
const KERNEL_ROWS = ["Slab", "KernelStack", "PageTables", "SecPageTables", "VmallocUsed", "Percpu"] as const;

interface Round {
  /** Of each machine, in KiB: all that is resident, what its guest touched, and what the kernel holds. */
  readonly residentKib: number;
  readonly guestKib: number;
  readonly kernelKib: Readonly<Record<string, number>>;
}

/** What each further idle machine of a process takes: its guest waits for an hour. */
export async function run(): Promise<void> {
  requireKvm();
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  const image = parseImage(readFileSync(join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/time.hvt`)));
  const machines: Machine[] = [];
  const add = async (count: number) => {
    for (let index = 0; index < count; index++) {
      machines.push(Machine.start({ image, args: FOREVER, memoryMib: MEMORY_MIB }));
    }
    await untilIdle();
    await untilSettled(collectGarbage);
  };
  await add(PASSING);
  await Promise.all(machines.splice(0).map((machine) => machine.stop()));
  await add(FIRST);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = look();
    await add(MACHINES);
    rounds.push(difference(before, look()));
  }
  await Promise.all(machines.map((machine) => machine.stop()));
  print(rounds);
}

function print(rounds: readonly Round[]): void {
  const of = (value: (round: Round) => number) => median(rounds.map(value));
  const own = of(({ residentKib, guestKib }) => residentKib - guestKib);
  const guest = of(({ guestKib }) => guestKib);
  const kernelKib = Object.fromEntries(KERNEL_ROWS.map((row) => [row, of(({ kernelKib }) => kernelKib[row] ?? 0)]));
  const rows = Object.entries(kernelKib).map(([row, kib]) => `${row} ${kib.toFixed(1)}`);
  console.log(
    `  each further machine: ${own.toFixed(1)} KiB resident, and ${guest.toFixed(1)} KiB that its guest touched`,
  );
  console.log(`  held by the kernel for each, in KiB: ${rows.join(", ")}`);
  const targets = [{ says: "KiB of each further idle machine beyond its guest's", value: own, limit: KIB_MAX }];
  printTargets(targets);
  const notes = ["kernel memory by the rows of /proc/meminfo, which count for all processes"];
  if (kvmEmulates()) notes.push(EMULATED_KVM_NOTE);
  for (const note of notes) console.log(`  ${note}`);
  keepResult(
    "kvm-idle",
    { machines: FIRST + ROUNDS * MACHINES, residentKib: own, guestKib: guest, kernelKib, rounds, targets },
    notes,
  );
}

/** Resolves once no machine asks for a turn any more: all wait by timers then, and rounds of the event loop are short. */
async function untilIdle(): Promise<void> {
  for (let quiet = 0; quiet < 50; ) {
    const before = performance.now();
    await setImmediate();
    quiet = performance.now() - before < 1 ? quiet + 1 : 0;
  }
}

/** Collects garbage until V8 has given back what it will. */
async function untilSettled(collectGarbage: () => void): Promise<void> {
  for (let same = 0, before = 0; same < 5; ) {
    collectGarbage();
    await setTimeout(SETTLE_MS);
    const now = residentKib(process.pid);
    same = Math.abs(now - before) < SETTLED_KIB ? same + 1 : 0;
    before = now;
  }
}

type Look = Round;

function look(): Look {
  return {
    residentKib: residentKib(process.pid),
    guestKib: touchedByGuestsKib(),
    kernelKib: Object.fromEntries(KERNEL_ROWS.map((row) => [row, kernelRowKib(row)])),
  };
}

function difference(before: Look, after: Look): Round {
  const each = (a: number, b: number) => (b - a) / MACHINES;
  return {
    residentKib: each(before.residentKib, after.residentKib),
    guestKib: each(before.guestKib, after.guestKib),
    kernelKib: Object.fromEntries(
      KERNEL_ROWS.map((row) => [row, each(before.kernelKib[row] ?? 0, after.kernelKib[row] ?? 0)]),
    ),
  };
}

function kernelRowKib(row: string): number {
  const [, kib = "0"] = new RegExp(`^${row}:\\s+([0-9]+) kB$`, "m").exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
  return Number(kib);
}

/** Pages of the guests' memories from their images on: below lies what Skiff itself wrote. */
function touchedByGuestsKib(): number {
  const pagemap = openSync("/proc/self/pagemap", "r");
  try {
    let pages = 0;
    for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
      const [, start = "0", end = "0"] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      const [first, last] = [Number.parseInt(start, 16), Number.parseInt(end, 16)];
      if (last - first === MEMORY_MIB * 2 ** 20) pages += presentPages(pagemap, first + LOWEST_IMAGE_ADDRESS, last);
    }
    return pages * PAGE_KIB;
  } finally {
    closeSync(pagemap);
  }
}

/** Entries of 64 bits, of which the highest says that the page is there (Linux Documentation/admin-guide/mm/pagemap.rst). */
function presentPages(pagemap: number, start: number, end: number): number {
  const pageBytes = PAGE_KIB * 1024;
  const entries = new Uint8Array(((end - start) / pageBytes) * 8);
  readSync(pagemap, entries, 0, entries.length, (start / pageBytes) * 8);
  let present = 0;
  for (let at = 7; at < entries.length; at += 8) if (((entries[at] ?? 0) & 0x80) !== 0) present++;
  return present;
}
