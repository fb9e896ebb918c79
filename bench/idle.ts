import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { enterNamespace, INSIDE_NAMESPACE } from "./support/namespace.ts";
import { openNewTap } from "./support/new-tap.ffi.ts";
import { GUEST_ARCHITECTURE, temporaryFolder } from "./support/peers.ts";
import { keepResult, printTargets, ROOT } from "./support/report.ts";
import { residentKib } from "./support/resident.ts";
import { start, wait } from "./support/spawn.ffi.ts";
import { median } from "./support/statistics.ts";

const GUESTS = 256;
const SECONDS_MAX = 2;
const RESIDENT_MIB_MAX = 1;
const RUNS = 5;
const MEMORY_MIB = 16;
const ANSWER_WITHIN_MS = 30_000;

/**
 * Idle network guests from one built executable, each on its own tap with its own MAC and address: the time until every
 * one of them has answered a datagram, and the memory each has resident then. In a network namespace of its own.
 */
export async function run(): Promise<void> {
  if (!INSIDE_NAMESPACE) {
    enterNamespace("idle");
    return;
  }
  execFileSync("ip", ["link", "set", "lo", "up"]);
  const executable = join(temporaryFolder(), "net");
  const image = join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/net.spt`);
  execFileSync(process.execPath, [
    join(ROOT, "dist/skiff.cjs"),
    ...["build", image, "--mem", String(MEMORY_MIB), "--net", "service=@3", "-o", executable],
  ]);
  const runs: Awaited<ReturnType<typeof startAll>>[] = [];
  for (let index = 0; index < RUNS; index++) runs.push(await startAll(executable));
  const seconds = runs.map((one) => one.answeredSeconds);
  const resident = runs.map((one) => median(one.residentKib) / 1024);
  const largest = Math.max(...runs.flatMap((one) => one.residentKib)) / 1024;
  console.log(`  ${GUESTS} guests answered after ${seconds.map((value) => value.toFixed(3)).join(", ")} s`);
  console.log(
    `  resident memory of each: median ${median(resident).toFixed(3)} MiB, largest ${largest.toFixed(3)} MiB`,
  );
  const targets = [
    { says: `seconds until ${GUESTS} guests answered`, value: median(seconds), limit: SECONDS_MAX },
    { says: "MiB resident, the largest guest", value: largest, limit: RESIDENT_MIB_MAX },
  ];
  printTargets(targets);
  keepResult(
    "idle",
    {
      guests: GUESTS,
      answeredSeconds: seconds,
      residentMibMedian: median(resident),
      residentMibLargest: largest,
      targets,
    },
    [],
  );
}

/** Addresses of guest `index`: 10.1.INDEX.2, its host side 10.1.INDEX.1. */
function addresses(index: number): { readonly guest: string; readonly host: string } {
  return { guest: `10.1.${index}.2`, host: `10.1.${index}.1` };
}

async function startAll(executable: string): Promise<{ answeredSeconds: number; residentKib: number[] }> {
  const taps = Array.from({ length: GUESTS }, (_, index) => openNewTap(`guest${index}`));
  const batch = taps.map(
    (_, index) => `addr add ${addresses(index).host}/24 dev guest${index}\nlink set guest${index} up`,
  );
  execFileSync("ip", ["-batch", "-"], { input: `${batch.join("\n")}\n` });
  const pids: number[] = [];
  try {
    const before = performance.now();
    for (const [index, tap] of taps.entries()) {
      pids.push(start({ path: executable, args: [`--ipv4=${addresses(index).guest}/24`], descriptors: [tap] }));
    }
    await everyoneAnswers();
    const answeredSeconds = (performance.now() - before) / 1000;
    return { answeredSeconds, residentKib: pids.map(residentKib) };
  } finally {
    for (const pid of pids) {
      process.kill(pid, "SIGKILL");
      wait(pid);
    }
    for (const tap of taps) closeSync(tap);
  }
}

/** Sends each guest a datagram and resolves when all have sent theirs back. */
function everyoneAnswers(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const silent = new Set(Array.from({ length: GUESTS }, (_, index) => addresses(index).guest));
    const limit = setTimeout(() => finish(new Error(`${silent.size} guests did not answer`)), ANSWER_WITHIN_MS);
    const finish = (error?: Error) => {
      clearTimeout(limit);
      socket.close();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.on("error", finish);
    socket.on("message", (_, { address }) => {
      silent.delete(address);
      if (silent.size === 0) finish();
    });
    for (const address of silent) socket.send(`hello ${address}`, 7, address);
  });
}
