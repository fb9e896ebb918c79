import { setImmediate } from "node:timers/promises";
import { HYPERCALL, STATUS_ABORT } from "../abi/hvt.ts";
import type { DeviceBuffer } from "../device/buffer.ts";
import { resetSignal } from "../host/libc.ffi.ts";
import { writeAll } from "../host/transfer.ffi.ts";
import type { GdbOptions } from "./gdb/server.ts";
import type { DebuggedGuest } from "./gdb/session.ts";
import type { HostedEngine, HostedMachine, HostedMachineOptions } from "./hosted-machine.ts";
import { commandLine, type GuestState, type MachineStop } from "./hvt-machine.ts";
import type { RingRecord } from "./ring/protocol.ts";
import { BlockingRun } from "./run-blocking.ts";

const STANDARD_OUTPUT = 1;
/** SIGUSR1, SIGPIPE, SIGXFSZ (Linux include/uapi/asm-generic/signal.h): Node takes the first for its debugger, and ignores the others. */
const SIGNALS_OF_NODE = [10, 13, 25] as const;

export interface HostedMachineRun extends Omit<HostedMachineOptions, "commandLine" | "console"> {
  readonly hosting: HostedEngine;
  readonly args: readonly string[];
  /** Takes a line for the user. */
  readonly say: (line: string) => void;
  /** Takes a line, after the guest's end, of what its hypercalls and its network ring were used for. */
  readonly count?: (line: string) => void;
  /** Told how the guest's last run left it, where it aborted or could not go on. */
  readonly failed?: (state: GuestState) => void;
  /** Ends the run, when this thread's event loop has had its turn. */
  readonly abort?: AbortSignal;
  /** Where a debugger is waited for that runs the guest, and hears of `abort`. */
  readonly gdb?: { readonly port: number };
}

const NEVER = new AbortController().signal;
/** How long a run may last before it looks whether it is aborted, where no signal came. */
const SLICE_NS = 100e6;
/** And before it looks whether the thread that serves its network ring is still there. */
const RING_SLICE_NS = 1e9;

/**
 * Runs a guest in this process to its end, with its console on standard output; a reader that left ends this process by SIGPIPE.
 * @returns the guest's exit status; 1 where the guest could not go on, which was said, or was stopped.
 * @throws {UsageError} or {HostError} as `makeMachine`; {LostThreadError} as `HvtMachine.run`.
 */
export async function runHosted(run: HostedMachineRun): Promise<number> {
  const { hosting, args, say, count, failed, abort, gdb, ...options } = run;
  const console = { write: writeToStandardOutput };
  const hasRing = hosting.hasRings && options.devices.some(({ type }) => type === "net");
  const rings = hasRing ? await startRingThread() : undefined;
  const made = hosting.makeMachine({ ...options, commandLine: commandLine(args), console });
  const { machine, waitFor } = made;
  machine.load();
  const ring = rings?.waitUntilRunning() ? made.offerRing(rings) : undefined;
  if (made.remark !== undefined) say(made.remark);
  const blocking = new BlockingRun(machine, waitFor);
  // A debugger that leaves must not end this process: Node ignores SIGPIPE.
  const isOver =
    gdb !== undefined && (await debug({ guest: guestOf(run, made, blocking), say, abort: abort ?? NEVER, ...gdb }));
  const end = isOver === true ? undefined : isOver || (await runToEnd(blocking, ring !== undefined, abort));
  count?.(countLine(machine.calls, ring));
  if (end === undefined) return 1;
  if (end.type === "broken") say(`the guest ${end.reason}`);
  if (end.type === "broken" || end.status === STATUS_ABORT) failed?.(machine.lastState());
  return end.type === "exit" ? end.status : 1;
}

function guestOf({ image }: HostedMachineRun, { debugging }: HostedMachine, run: BlockingRun): DebuggedGuest {
  return { architecture: image.architecture, ...debugging, run: (sliceNs) => run.run(sliceNs) };
}

/** e.g. `5 hypercalls: 1 puts, 3 poll, 1 halt; 6 requests in the network ring, 2 rings of its doorbell` */
function countLine(calls: Readonly<Float64Array>, ring: RingRecord | undefined): string {
  const names = Object.entries(HYPERCALL).map(([name, number]) => ({ name, count: calls[number] ?? 0 }));
  const parts = names.filter(({ count }) => count > 0).map(({ name, count }) => `${count} ${name}`);
  const total = names.reduce((sum, { count }) => sum + count, 0);
  const byRing =
    ring === undefined ? "" : `; ${ring.requests} requests in the network ring, ${ring.bells} rings of its doorbell`;
  return `${total} hypercalls: ${parts.join(", ")}${byRing}`;
}

type GuestEnd = Extract<MachineStop, { readonly type: "exit" | "broken" }>;

/** @returns undefined where it was aborted. */
async function runToEnd(
  run: BlockingRun,
  hasRing: boolean,
  abort: AbortSignal | undefined,
): Promise<GuestEnd | undefined> {
  for (const signal of SIGNALS_OF_NODE) resetSignal(signal);
  const sliceNs = abort !== undefined ? SLICE_NS : hasRing ? RING_SLICE_NS : undefined;
  for (;;) {
    const stop = run.run(sliceNs);
    if (stop.type === "exit" || stop.type === "broken") return stop;
    if (sliceNs === undefined) continue;
    await setImmediate();
    if (abort?.aborted) return undefined;
  }
}

/** @returns the guest's end; true where it shall not go on, false where it shall by itself. */
async function debug(options: GdbOptions): Promise<GuestEnd | boolean> {
  const { debugWithGdb } = await import("./gdb/server.ts");
  const end = await debugWithGdb(options);
  switch (end.type) {
    case "exit":
    case "broken":
      return end;
    case "detached":
      options.say("Debugger detached");
      return false;
    case "killed":
      options.say("Debugger asked us to quit");
      return true;
    case "lost":
      options.say("GDB: Exiting as we could not receive the next command from the debugger.");
      return true;
    case "aborted":
      return true;
  }
}

/** Loaded only for guests with frames: workers of Node's take milliseconds to load. */
async function startRingThread() {
  const { RingThread } = await import("./ring/thread.ts");
  return RingThread.start();
}

function writeToStandardOutput({ hostAddress, length }: DeviceBuffer): void {
  if (hostAddress === undefined) throw new Error("the guest has memory without an address");
  writeAll(STANDARD_OUTPUT, hostAddress, length);
}
