import { setImmediate } from "node:timers/promises";
import { STATUS_ABORT } from "../abi/hvt.ts";
import type { DeviceBuffer } from "../device/buffer.ts";
import { resetSignal } from "../host/libc.ffi.ts";
import { writeAll } from "../host/transfer.ffi.ts";
import { commandLine, type GuestState } from "./hvt-machine.ts";
import { type KvmMachineOptions, kvmEmulates, makeKvmMachine } from "./kvm-machine.ts";
import { BlockingRun } from "./run-blocking.ts";

const STANDARD_OUTPUT = 1;
/** SIGUSR1, SIGPIPE, SIGXFSZ (Linux include/uapi/asm-generic/signal.h): Node takes the first for its debugger, and ignores the others. */
const SIGNALS_OF_NODE = [10, 13, 25] as const;

export interface KvmRun extends Omit<KvmMachineOptions, "commandLine" | "console"> {
  readonly args: readonly string[];
  /** Takes a line for the user. */
  readonly say: (line: string) => void;
  /** Told how the guest's last run left it, where it aborted or could not go on. */
  readonly failed?: (state: GuestState) => void;
  /** Ends the run where it answers yes; asked now and then, when this thread's event loop has had its turn. */
  readonly isStopped?: () => boolean;
}

/** How long a run may last before it asks whether it is stopped, where no signal came. */
const SLICE_NS = 100e6;

/**
 * Runs a guest on KVM to its end, with its console on standard output; a reader that left ends this process by SIGPIPE.
 * @returns the guest's exit status; 1 where the guest could not go on, which was said, or was stopped.
 * @throws {UsageError} or {HostError} as `makeKvmMachine`.
 */
export async function runOnKvm({ args, say, failed, isStopped, ...options }: KvmRun): Promise<number> {
  const console = { write: writeToStandardOutput };
  const rings = options.devices.some(({ type }) => type === "net") ? await startRingThread() : undefined;
  const { machine, waitFor, offerRing } = makeKvmMachine({ ...options, commandLine: commandLine(args), console });
  if (rings?.waitUntilRunning()) offerRing(rings);
  if (kvmEmulates()) say("this host's KVM emulates the processor: guests run slowly, and without floating point");
  for (const signal of SIGNALS_OF_NODE) resetSignal(signal);
  const run = new BlockingRun(machine, waitFor);
  const sliceNs = isStopped === undefined ? undefined : SLICE_NS;
  for (;;) {
    const stop = run.run(sliceNs);
    if (stop.type === "exit") {
      if (stop.status === STATUS_ABORT) failed?.(machine.lastState());
      return stop.status;
    }
    if (stop.type === "broken") {
      say(`the guest ${stop.reason}`);
      failed?.(machine.lastState());
      return 1;
    }
    if (isStopped === undefined) continue;
    await setImmediate();
    if (isStopped()) return 1;
  }
}

/** Loaded only for guests with frames: workers of Node's take milliseconds to load. */
async function startRingThread() {
  const { RingThread } = await import("./ring/thread.ts");
  return RingThread.start();
}

function writeToStandardOutput({ hostAddress, length }: DeviceBuffer): void {
  if (hostAddress === undefined) throw new Error("a guest on KVM has memory without an address");
  writeAll(STANDARD_OUTPUT, hostAddress, length);
}
