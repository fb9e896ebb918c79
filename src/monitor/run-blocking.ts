import { PollSet } from "../host/poll-set.ffi.ts";
import type { HostDevices } from "./host-devices.ts";
import type { HvtMachine, MachineStop } from "./hvt-machine.ts";

const NS_PER_MS = 1e6;
const INTERRUPTED = { type: "interrupted" } as const;

/** Runs a machine while this thread has nothing else to do. */
export class BlockingRun {
  readonly #machine: HvtMachine;
  readonly #waitFor: HostDevices["waitFor"];
  readonly #pollSet: PollSet;
  /** When the wait ends that a signal interrupted, in milliseconds of `performance.now`. */
  #deadlineMs: number | undefined;

  constructor(machine: HvtMachine, waitFor: HostDevices["waitFor"]) {
    this.#machine = machine;
    this.#waitFor = waitFor;
    this.#pollSet = new PollSet(waitFor.map(({ descriptor }) => descriptor));
  }

  /**
   * Runs until the guest has ended, a signal came, or so many nanoseconds have gone by; after the last two it can be
   * called again.
   */
  run(sliceNs?: number): Exclude<MachineStop, { readonly type: "wait" }> {
    const endMs = sliceNs === undefined ? Number.POSITIVE_INFINITY : performance.now() + sliceNs / NS_PER_MS;
    if (this.#deadlineMs !== undefined && !this.#wait(this.#deadlineMs, endMs)) return INTERRUPTED;
    for (;;) {
      const leftNs = sliceNs === undefined ? undefined : (endMs - performance.now()) * NS_PER_MS;
      if (leftNs !== undefined && leftNs <= 0) return INTERRUPTED;
      const stop = this.#machine.run(leftNs);
      if (stop.type !== "wait") return stop;
      if (!this.#wait(performance.now() + stop.timeoutNs / NS_PER_MS, endMs)) return INTERRUPTED;
    }
  }

  /** Waits until a device is ready or the deadline has come. @returns false where the slice's end or a signal came first. */
  #wait(deadlineMs: number, endMs: number): boolean {
    const timeoutMs = Math.min(deadlineMs, endMs) - performance.now();
    const endedByItself = this.#pollSet.wait(Math.max(0, timeoutMs * NS_PER_MS));
    let ready = 0n;
    for (const [place, { index }] of this.#waitFor.entries()) {
      if (endedByItself && this.#pollSet.isReady(place)) ready |= 1n << BigInt(index);
    }
    if (!endedByItself || (ready === 0n && endMs < deadlineMs)) {
      this.#deadlineMs = deadlineMs;
      return false;
    }
    this.#deadlineMs = undefined;
    this.#machine.endWait(ready);
    return true;
  }
}
