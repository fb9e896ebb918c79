import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { LOWEST_IMAGE_ADDRESS } from "../src/abi/hvt.ts";
import { Machine, parseImage } from "../src/index.ts";
import { kvmEmulates } from "../src/monitor/kvm-machine.ts";
import { EMULATED_KVM_NOTE, requireKvm } from "./support/kvm.ts";
import { GUEST_ARCHITECTURE } from "./support/peers.ts";
import { keepResult, printTargets, ROOT } from "./support/report.ts";
import { median } from "./support/statistics.ts";

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
  /** Of each machine, in KiB: what is Skiff's, what its guest touched, and what the kernel holds. */
  readonly ownKib: number;
  readonly guestKib: number;
  readonly kernelKib: Readonly<Record<string, number>>;
}

/** What each further idle machine of a process takes: its guest waits for an hour. */
export async function run(): Promise<void> {
  requireKvm();
  const collectGarbage = globalThis.gc;
  if (collectGarbage === undefined) {
    runWithSteadyHeap();
    return;
  }
  const image = parseImage(readFileSync(join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/time.hvt`)));
  const machines: Machine[] = [];
  const add = async (count: number) => {
    for (let index = 0; index < count; index++) {
      machines.push(Machine.start({ image, args: FOREVER, memoryMib: MEMORY_MIB }));
    }
    await untilIdle();
    await untilSettled(collectGarbage);
  };
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

/** Again, in a process whose young generation is small from the start: elsewhere its growth would count for the machines. */
function runWithSteadyHeap(): void {
  const words = ["--expose-gc", "--max-semi-space-size=1", process.argv[1] ?? "", "kvm-idle"];
  const { status } = spawnSync(process.execPath, words, { stdio: "inherit" });
  if (status !== 0) throw new Error(`with a steady heap kvm-idle ended with status ${status}`);
}

function print(rounds: readonly Round[]): void {
  const of = (value: (round: Round) => number) => median(rounds.map(value));
  const own = of(({ ownKib }) => ownKib);
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
    { machines: FIRST + ROUNDS * MACHINES, ownKib: own, guestKib: guest, kernelKib, rounds, targets },
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
    const now = process.memoryUsage().heapUsed / 1024;
    same = Math.abs(now - before) < SETTLED_KIB ? same + 1 : 0;
    before = now;
  }
}

/**
 * What is Skiff's: pages of the guests' memories below their images (boot information, handlers, page tables), what KVM
 * shares of each vCPU, live objects of V8's, and the C library's heap. All that is resident would be no measure: V8 takes
 * and gives back megabytes as it likes.
 */
function skiffsKib(): number {
  const smaps = readFileSync("/proc/self/smaps", "utf8");
  const mapped = smaps.matchAll(/ (?:\[heap\]|anon_inode:kvm-vcpu.*)\n(?:.*\n)*?Rss:\s+([0-9]+) kB\n/g);
  const mappedKib = [...mapped].reduce((sum, [, kib]) => sum + Number(kib), 0);
  return presentKib(0, LOWEST_IMAGE_ADDRESS) + mappedKib + process.memoryUsage().heapUsed / 1024;
}

type Look = Round;

function look(): Look {
  return {
    ownKib: skiffsKib(),
    guestKib: presentKib(LOWEST_IMAGE_ADDRESS, MEMORY_MIB * 2 ** 20),
    kernelKib: Object.fromEntries(KERNEL_ROWS.map((row) => [row, kernelRowKib(row)])),
  };
}

function difference(before: Look, after: Look): Round {
  const each = (a: number, b: number) => (b - a) / MACHINES;
  return {
    ownKib: each(before.ownKib, after.ownKib),
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

/** What is resident of a range of each guest's memory. */
function presentKib(from: number, to: number): number {
  const pagemap = openSync("/proc/self/pagemap", "r");
  try {
    let pages = 0;
    for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
      const [, start = "0", end = "0"] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      const [first, last] = [Number.parseInt(start, 16), Number.parseInt(end, 16)];
      if (last - first === MEMORY_MIB * 2 ** 20) pages += presentPages(pagemap, first + from, first + to);
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
