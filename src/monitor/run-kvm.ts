import type { DeviceBuffer } from "../device/buffer.ts";
import { resetSignal } from "../host/libc.ffi.ts";
import { writeAll } from "../host/transfer.ffi.ts";
import { commandLine } from "./hvt-machine.ts";
import { type KvmMachineOptions, kvmEmulates, makeKvmMachine } from "./kvm-machine.ts";
import { BlockingRun } from "./run-blocking.ts";

const STANDARD_OUTPUT = 1;
/** SIGUSR1, SIGPIPE, SIGXFSZ (Linux include/uapi/asm-generic/signal.h): Node takes the first for its debugger, and ignores the others. */
const SIGNALS_OF_NODE = [10, 13, 25] as const;

export interface KvmRun extends Omit<KvmMachineOptions, "commandLine" | "console"> {
  readonly args: readonly string[];
  /** Takes a line for the user. */
  readonly say: (line: string) => void;
}

/**
 * Runs a guest on KVM to its end, with its console on standard output; a reader that left ends this process by SIGPIPE.
 * @returns the guest's exit status; 1 where the guest could not go on, which was said.
 * @throws {UsageError} or {HostError} as `makeKvmMachine`.
 */
export async function runOnKvm({ args, say, ...options }: KvmRun): Promise<number> {
  const console = { write: writeToStandardOutput };
  const rings = options.devices.some(({ type }) => type === "net") ? await startRingThread() : undefined;
  const { machine, waitFor, offerRing } = makeKvmMachine({ ...options, commandLine: commandLine(args), console });
  if (rings?.waitUntilRunning()) offerRing(rings);
  if (kvmEmulates()) say("this host's KVM emulates the processor: guests run slowly, and without floating point");
  for (const signal of SIGNALS_OF_NODE) resetSignal(signal);
  const run = new BlockingRun(machine, waitFor);
  for (;;) {
    const stop = run.run();
    if (stop.type === "exit") return stop.status;
    if (stop.type === "broken") {
      say(`the guest ${stop.reason}`);
      return 1;
    }
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
