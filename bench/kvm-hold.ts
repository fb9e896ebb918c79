import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { Machine, type MachineOptions, parseImage } from "../src/index.ts";
import { kvmEmulates } from "../src/monitor/kvm-machine.ts";
import { AARCH64, buildImage, HVT, RW, RX, X86_64 } from "../test/format/build-image.ts";
import { Interference } from "./support/interference.ts";
import { EMULATED_KVM_NOTE, requireKvm } from "./support/kvm.ts";
import { enterNamespace, INSIDE_NAMESPACE } from "./support/namespace.ts";
import { GUEST_ARCHITECTURE } from "./support/peers.ts";
import { keepResult, printTargets, ROOT } from "./support/report.ts";
import { median } from "./support/statistics.ts";

/** Each with a longest hold of its own, of which the median counts: others may take the processor in any of them. */
const ROUNDS = 15;
const REPEATS_MAX = 45;
const HOLD_MS_MAX = 10;
/** Of one processor, taken by others in a round: it is measured again then. */
const DISTURBED_SHARE = 0.1;
const LARGE_IMAGE_BYTES = 64 * 2 ** 20;
const STOPPED_AFTER_MS = 100;
/** After a machine's end: what is left to do shows. */
const SETTLED_AFTER_MS = 50;

interface Row {
  readonly name: string;
  readonly options: Omit<MachineOptions, "engine">;
  /** Else it ends by itself. */
  readonly isStopped?: true;
}

/** How long machines hold their caller's event loop at most, from `Machine.create` until all is given back. */
export async function run(): Promise<void> {
  if (!INSIDE_NAMESPACE) {
    enterNamespace("kvm-hold");
    return;
  }
  requireKvm();
  // What `skiff-vm` loads once; a module's loading is not the machine's.
  await Machine.start({ image: kitImage("hello"), engine: "kvm" }).exited;
  const samples: Record<string, number[]> = {};
  let repeated = 0;
  for (const row of rows()) {
    const holdsMs: number[] = [];
    while (holdsMs.length < ROUNDS) {
      const { longestMs, wasDisturbed } = await hold(row);
      if (wasDisturbed && repeated < REPEATS_MAX) repeated++;
      else holdsMs.push(longestMs);
    }
    samples[row.name] = holdsMs;
    const [middle, most] = [median(holdsMs), Math.max(...holdsMs)].map((value) => value.toFixed(2));
    console.log(`  ${row.name.padEnd(52)} ${most} ms at most, median ${middle} ms`);
  }
  const targets = Object.entries(samples).map(([name, holdsMs]) => ({
    says: `ms that the event loop is held by: ${name}`,
    value: median(holdsMs),
    limit: HOLD_MS_MAX,
  }));
  printTargets(targets);
  const notes = kvmEmulates() ? [EMULATED_KVM_NOTE] : [];
  for (const note of notes) console.log(`  ${note}`);
  keepResult("kvm-hold", { unit: "ms", rounds: ROUNDS, repeatedRounds: repeated, samples, targets }, notes);
}

/** With Node's own clock, which looks each millisecond: that one is in what it says. */
async function hold({ options, isStopped }: Row): Promise<{ longestMs: number; wasDisturbed: boolean }> {
  const interference = new Interference();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await setTimeout(2);
  delay.reset();
  const end = interference.begin();
  const machine = Machine.start({ ...options, engine: "kvm" });
  if (isStopped) {
    await setTimeout(STOPPED_AFTER_MS);
    await machine.stop();
  } else {
    await machine.exited;
  }
  await setTimeout(SETTLED_AFTER_MS);
  end();
  delay.disable();
  return { longestMs: delay.max / 1e6, wasDisturbed: interference.take() > DISTURBED_SHARE };
}

function rows(): readonly Row[] {
  for (const words of ["tuntap add tap0 mode tap", "link set tap0 up"]) execFileSync("ip", words.split(" "));
  const prime = { image: kitImage("prime"), args: ["1000000000"] };
  const host = { address: Uint8Array.of(10, 0, 1, 1), prefixBits: 24 };
  return [
    { name: "a hello from its start to its end", options: { image: kitImage("hello") } },
    { name: "an image of 64 MiB", options: { image: largeImage() } },
    { name: "a guest that computes, stopped", options: prime, isStopped: true },
    { name: "the same with 4 GiB", options: { ...prime, memoryMib: 4096 }, isStopped: true },
    { name: "a guest that touches 256 MiB", options: { image: kitImage("memory"), memoryMib: 256 } },
    {
      name: "a guest on a tap, stopped",
      options: { image: kitImage("net"), net: { service: { tap: "tap0" } } },
      isStopped: true,
    },
    {
      name: "a guest with a tap of its own, stopped",
      options: { image: kitImage("net"), net: { service: { tap: "tap1", host } } },
      isStopped: true,
    },
  ];
}

const kitImage = (name: string) =>
  parseImage(readFileSync(join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/${name}.hvt`)));

/** Its first instruction is none that the ABI has: it ends the guest. */
function largeImage() {
  const text = { address: 0x100000, content: new Uint8Array(16), flags: RX };
  const content = new Uint8Array(LARGE_IMAGE_BYTES).fill(1);
  const segments = [text, { address: 0x200000, content, flags: RW }];
  const machine = process.arch === "arm64" ? AARCH64 : X86_64;
  return parseImage(buildImage({ machine, abiTarget: HVT, entry: text.address, devices: [], segments }).file);
}
