import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { HYPERCALL } from "../src/abi/hvt.ts";
import { parseImage } from "../src/format/parse.ts";
import { commandLine } from "../src/monitor/hvt-machine.ts";
import { kvmEmulates, makeKvmMachine } from "../src/monitor/kvm-machine.ts";
import { RingThread } from "../src/monitor/ring/thread.ts";
import { BlockingRun } from "../src/monitor/run-blocking.ts";
import { type Contender, compare, type Ratio, ratio } from "./support/compare.ts";
import { Interference } from "./support/interference.ts";
import { EMULATED_KVM_NOTE, requireKvm } from "./support/kvm.ts";
import { enterNamespace, INSIDE_NAMESPACE } from "./support/namespace.ts";
import { openNewTap } from "./support/new-tap.ffi.ts";
import { GUEST_ARCHITECTURE } from "./support/peers.ts";
import { keepResult, printComparison, printDisturbance, printTargets, ROOT, type Target } from "./support/report.ts";

const ROUNDS = 15;
const FRAMES = 8000;
const SIZES = [60, 1514] as const;
const ANSWERS = 1500;
/** Echo requests that wait at the guest. */
const WINDOW = 8;
const MEMORY_MIB = 16;
const RATIO_MAX = 1;
const INDEX = 1;
/** Of one processor, taken by others in a round: there are more rounds then, of which the least disturbed count. */
const DISTURBED_SHARE = 0.1;

/** What a guest's frames cost it, by the network ring and by exits: sent as fast as it can, and answered. */
export function run(): void {
  if (!INSIDE_NAMESPACE) {
    enterNamespace("ring");
    return;
  }
  requireKvm();
  const load = `load average ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} processors at the start`;
  const thread = RingThread.start();
  if (!thread.waitUntilRunning()) throw new Error("the thread of network rings does not run");
  const measured: Record<string, unknown> = {};
  const targets: Target[] = [];
  const exits = { ring: 0, exits: 0 };
  // Guest and thread want a processor each: where others take one, they are what is measured.
  const interference = new Interference();
  const disturbance = { take: () => interference.take(), limit: DISTURBED_SHARE };
  const count = (of: keyof typeof exits, run: GuestRun) => {
    exits[of] += run.netExits;
    return run.nsEach;
  };
  const rows = [
    ...SIZES.map((size) => ({
      name: `send ${size} bytes`,
      measure: (ring: boolean) => sendOnce(size, interference, ring ? thread : undefined),
    })),
    { name: "answer ping", measure: (ring: boolean) => answerOnce(interference, ring ? thread : undefined) },
  ];
  for (const { name, measure } of rows) {
    const contenders: Contender[] = [
      { name: `${name}, ring`, measure: () => count("ring", measure(true)) },
      { name: `${name}, exits`, measure: () => count("exits", measure(false)) },
    ];
    const comparison = compare(contenders, ROUNDS, 1, disturbance);
    const ratios: Ratio[] = [ratio(comparison, `${name}, ring`, `${name}, exits`)];
    printComparison(comparison, ratios, "us a frame", 1e3);
    const { medians, leftOut, disturbance: othersShare } = comparison;
    printDisturbance(comparison);
    measured[name] = { medians, ratios, leftOutRounds: leftOut, othersShare };
    targets.push(
      ...ratios.map(({ median: value }) => ({ says: `time of: ${name}, ring / exits`, value, limit: RATIO_MAX })),
    );
  }
  console.log(`  exits for frames: ${exits.ring} with the ring, ${exits.exits} without`);
  targets.push({ says: "exits for frames while the ring runs", value: exits.ring, limit: 0 });
  printTargets(targets);
  const notes = [...(kvmEmulates() ? [EMULATED_KVM_NOTE] : []), load];
  for (const note of notes) console.log(`  ${note}`);
  keepResult("ring", { unit: "ns a frame", rounds: ROUNDS, ...measured, exits, targets }, notes);
}

interface GuestRun {
  readonly nsEach: number;
  /** Hypercalls that moved frames. */
  readonly netExits: number;
}

/** The guest's own word for how long its frames took. */
function sendOnce(bytes: number, interference: Interference, thread: RingThread | undefined): GuestRun {
  const { text, netExits } = runGuest("frames", [String(FRAMES), String(bytes)], interference, thread);
  const [, ns] = / ns=(\d+)/.exec(text) ?? [];
  if (ns === undefined) throw new Error(`the guest says ${text}`);
  return { nsEach: Number(ns) / FRAMES, netExits };
}

/** With so many echo requests at it as it answers. */
function answerOnce(interference: Interference, thread: RingThread | undefined): GuestRun {
  const words = ["-q", "-f", "-l", String(WINDOW), "-s", "56", "10.0.0.2"];
  let ping: ChildProcess | undefined;
  const startPing = () => {
    ping = spawn("ping", words, { stdio: "ignore" });
    return ping.pid;
  };
  const { elapsedNs, netExits } = runGuest("net", [`--limit=${ANSWERS}`], interference, thread, startPing);
  ping?.kill("SIGKILL");
  return { nsEach: elapsedNs / ANSWERS, netExits };
}

/** Runs a guest on a tap of its own to its end. @param begin starts what sends to it, and gives its process id. */
function runGuest(
  name: string,
  args: readonly string[],
  interference: Interference,
  thread: RingThread | undefined,
  begin: () => number | undefined = () => undefined,
) {
  const tap = openNewTap("tap0");
  for (const words of ["address add 10.0.0.1/24 dev tap0", "link set tap0 up"]) execFileSync("ip", words.split(" "));
  const chunks: Uint8Array[] = [];
  const { machine, waitFor, offerRing } = makeKvmMachine({
    image: parseImage(readFileSync(join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/${name}.hvt`))),
    memoryMib: MEMORY_MIB,
    commandLine: commandLine(args),
    devices: [{ type: "net", index: INDEX, name: "service", descriptor: tap, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }],
    console: { write: ({ bytes }) => void chunks.push(bytes.slice()) },
  });
  try {
    if (thread !== undefined && offerRing(thread) === undefined) throw new Error("this KVM has no network ring");
    const helper = begin();
    const before = performance.now();
    const run = new BlockingRun(machine, waitFor);
    const stop = interference.during(() => {
      let last = run.run();
      while (last.type === "interrupted") last = run.run();
      return last;
    }, helper);
    const elapsedNs = (performance.now() - before) * 1e6;
    if (stop.type !== "exit" || stop.status !== 0) throw new Error(`${name} ended with ${JSON.stringify(stop)}`);
    const netExits = (machine.calls[HYPERCALL.netRead] ?? 0) + (machine.calls[HYPERCALL.netWrite] ?? 0);
    return { text: Buffer.concat(chunks).toString(), elapsedNs, netExits };
  } finally {
    machine.close();
    closeSync(tap);
  }
}
