import type { Console } from "../device/console.ts";
import type { DebugEngine, DebugLimits } from "../engine/engine.ts";
import type { Image } from "../format/image.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import type { HostDevices } from "./host-devices.ts";
import type { HvtMachine } from "./hvt-machine.ts";
import type { OpenDevice } from "./open-devices.ts";
import type { RingRecord } from "./ring/protocol.ts";
import type { RingLoss, RingThread } from "./ring/thread.ts";

/** What a machine in this process is made of. */
export interface HostedMachineOptions {
  readonly image: Image;
  readonly memoryMib: number;
  /** As `commandLine` makes it. */
  readonly commandLine: Uint8Array;
  /** Stay the caller's to close, after the machine. */
  readonly devices: readonly OpenDevice[];
  readonly console: Console;
}

/** For a debugger. */
export interface Debugging {
  readonly engine: DebugEngine;
  /** The engine's own word, or less. */
  readonly limits: DebugLimits;
}

/** A machine in this process, and the descriptors that it waits for. */
export interface HostedMachine {
  readonly machine: HvtMachine;
  /** The guest's, which has an address; not after the machine was closed. */
  readonly memory: GuestMemory;
  readonly waitFor: HostDevices["waitFor"];
  readonly debugging: Debugging;
  /** A line for the user about how this host runs it. */
  readonly remark?: string;
  /**
   * Has the thread serve the guest's network ring, and tells the guest of it; before its first run, on this thread.
   * @param onLoss told where the thread ends before the machine is closed.
   * @returns what becomes known of the ring; undefined where there is none: no net device, or the thread or the host cannot.
   */
  readonly offerRing: (thread: RingThread, onLoss?: RingLoss) => RingRecord | undefined;
}

/** An engine that runs guests in this process. */
export interface HostedEngine {
  /**
   * Makes a machine with its guest loaded.
   * @throws {UsageError} where memory does not fit, or the host lacks what the engine needs. Nothing stays behind.
   */
  readonly makeMachine: (options: HostedMachineOptions) => HostedMachine;
  /** Whether its guests may have network rings. */
  readonly hasRings: boolean;
}
