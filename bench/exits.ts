import { closeSync, openSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { HvtServer, HYPERCALL, HYPERCALL_PORT, HYPERCALL_WINDOW, HYPERCALL_WINDOW_SHIFT } from "../src/abi/hvt.ts";
import { AARCH64 } from "../src/engine/kvm/aarch64.ts";
import { Kvm, type KvmVcpu } from "../src/engine/kvm/kvm.ffi.ts";
import { EXIT, EXIT_IO, EXIT_MMIO, RUN } from "../src/engine/kvm/numbers.ts";
import { X86_64 } from "../src/engine/kvm/x86-64.ts";
import { mapGuarded } from "../src/host/mapping.ffi.ts";
import { HostClock } from "../src/host/transfer.ffi.ts";
import { hostAddress } from "../src/memory/address.ts";
import { GuestMemory } from "../src/memory/guest-memory.ts";
import { kvmEmulates } from "../src/monitor/kvm-machine.ts";
import { type Contender, compare, ratio } from "./support/compare.ts";
import { Interference } from "./support/interference.ts";
import { EMULATED_KVM_NOTE, requireKvm } from "./support/kvm.ts";
import { GUEST_ARCHITECTURE, onPath, temporaryFolder } from "./support/peers.ts";
import { keepResult, printComparison, printDisturbance, printTargets, ROOT, type Target } from "./support/report.ts";
import { start, wait } from "./support/spawn.ffi.ts";
import { median, medianInterval } from "./support/statistics.ts";

const ROUNDS = 21;
/** Of one processor, taken by others in a round where there are two: the tender's own is left to it. */
const DISTURBED_SHARE = availableParallelism() - 1.2;
/** Enough that the time until V8 has compiled its loop does not count. */
const CALLS = 20_000;
const RATIO_MAX = 1.05;
const OWN_NS_MAX = 1000;
const OWN_ROUNDS = 21;
const OWN_EXITS = 100_000;

/**
 * A hypercall's round trip, as the guest itself measures it: the time on the wall, which the host gives it by one. The
 * same image under upstream's tender, in turn. And what of it is Skiff's own work.
 */
export function run(): void {
  requireKvm();
  const own = ownShareNs();
  console.log(`  Skiff's own share of an exit      ${median(own).toFixed(0)} ns`);
  const image = join(ROOT, `guests/images/${GUEST_ARCHITECTURE}/transitions.hvt`);
  const output = join(temporaryFolder(), "output");
  const skiff = [join(ROOT, "dist/skiff.cjs"), "run", "--mem", "16", image, String(CALLS)];
  const interference = new Interference();
  const exitOf = (path: string, args: readonly string[]) => interference.during(() => exitNs(path, args, output));
  const contenders: Contender[] = [{ name: "skiff", measure: () => exitOf(process.execPath, skiff) }];
  const notes = kvmEmulates() ? [EMULATED_KVM_NOTE] : [];
  const tender = onPath("solo5-hvt");
  const words = ["--mem=16", image, String(CALLS)];
  if (tender === undefined) notes.push("no solo5-hvt on PATH: upstream's tender is not measured");
  else contenders.push({ name: "solo5-hvt", measure: () => exitOf(tender, words) });
  const disturbance = { take: () => interference.take(), limit: DISTURBED_SHARE };
  const comparison = compare(contenders, ROUNDS, 1, disturbance);
  const ratios = tender === undefined ? [] : [ratio(comparison, "skiff", "solo5-hvt")];
  printComparison(comparison, ratios, "us", 1e3);
  printDisturbance(comparison);
  const targets: Target[] = [
    ...ratios.map(({ median: value }) => ({ says: "time of a hypercall, skiff / solo5-hvt", value, limit: RATIO_MAX })),
    { says: "ns of an exit that are Skiff's own", value: median(own), limit: OWN_NS_MAX },
  ];
  printTargets(targets);
  for (const note of notes) console.log(`  ${note}`);
  keepResult(
    "exits",
    {
      unit: "ns",
      call: "walltime",
      calls: CALLS,
      medians: comparison.medians,
      ratios,
      ownNs: median(own),
      ownNsInterval: medianInterval(own),
      targets,
      rounds: ROUNDS,
      leftOutRounds: comparison.leftOut,
      othersShare: comparison.disturbance,
    },
    notes,
  );
}

/** What the guest says a call of its wall clock took. */
function exitNs(path: string, args: readonly string[], output: string): number {
  const descriptor = openSync(output, "w");
  const status = wait(start({ path, args, output: descriptor }));
  closeSync(descriptor);
  const [, time] = / call=clock_wall .*ns_per_call=([0-9.]+)/.exec(readFileSync(output, "utf8")) ?? [];
  if (status !== 0 || time === undefined) throw new Error(`${path} ended with wait status ${status} and no time`);
  return Number(time);
}

/**
 * Nanoseconds that Skiff takes to see from `struct kvm_run` what the guest asked for and to serve it, and to enter the
 * kernel again: KVM's version is asked for in place of KVM_RUN, so that the kernel's way in and out counts, too.
 */
function ownShareNs(): number[] {
  const kvm = Kvm.open();
  const mapping = mapGuarded(MEMORY_BYTES);
  const memory = new GuestMemory(mapping.view, hostAddress(mapping.address));
  const architecture = process.arch === "arm64" ? AARCH64 : X86_64;
  const machine = kvm.createMachine(architecture.machineType(kvm));
  machine.setMemory({ slot: 0, guestAddress: 0, bytes: MEMORY_BYTES, hostAddress: mapping.address });
  const vcpu = machine.createVcpu(kvm.runBytes);
  const processor = architecture.makeProcessor({ kvm, machine, vcpu, memory });
  writeExit(vcpu);
  const server = new HvtServer(memory, {
    console: { write: () => undefined },
    clock: new HostClock(),
    block: new Map(),
    net: new Map(),
  });
  const samples: number[] = [];
  for (let round = -3; round < OWN_ROUNDS; round++) {
    const before = performance.now();
    for (let exit = 0; exit < OWN_EXITS; exit++) {
      kvm.ask("KVM_GET_API_VERSION", 0);
      if (!server.serve(processor.hypercallNumber(), processor.hypercallPointer)) throw new Error("not served");
    }
    if (round >= 0) samples.push(((performance.now() - before) * 1e6) / OWN_EXITS);
  }
  vcpu.close();
  machine.close();
  mapping.unmap();
  kvm.close();
  return samples;
}

const MEMORY_BYTES = 2 ** 20;
const REQUEST_ADDRESS = 0x1000;
/** Where x86-64's KVM puts what was written to a port: the page behind `struct kvm_run`. */
const PORT_DATA = 4096;

/** Leaves what KVM leaves of a guest that asks for the wall clock. */
function writeExit({ run }: KvmVcpu): void {
  if (process.arch === "arm64") {
    run.setUint32(RUN.exitReason, EXIT.mmio, true);
    const address = HYPERCALL_WINDOW + (HYPERCALL.walltime << HYPERCALL_WINDOW_SHIFT);
    run.setBigUint64(RUN.exit + EXIT_MMIO.address, BigInt(address), true);
    run.setUint32(RUN.exit + EXIT_MMIO.data, REQUEST_ADDRESS, true);
    run.setUint32(RUN.exit + EXIT_MMIO.length, 4, true);
    run.setUint8(RUN.exit + EXIT_MMIO.isWrite, 1);
    return;
  }
  run.setUint32(RUN.exitReason, EXIT.io, true);
  run.setUint8(RUN.exit + EXIT_IO.directionAndSize, 1);
  run.setUint8(RUN.exit + EXIT_IO.directionAndSize + 1, 4);
  run.setUint16(RUN.exit + EXIT_IO.port, HYPERCALL_PORT + HYPERCALL.walltime, true);
  run.setUint32(RUN.exit + EXIT_IO.count, 1, true);
  run.setBigUint64(RUN.exit + EXIT_IO.dataOffset, BigInt(PORT_DATA), true);
  run.setUint32(PORT_DATA, REQUEST_ADDRESS, true);
}
