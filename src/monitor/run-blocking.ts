import { PollSet } from "../host/poll-set.ffi.ts";
import type { HostDevices } from "./host-devices.ts";
import type { HvtMachine, MachineStop } from "./hvt-machine.ts";

const NS_PER_MS = 1e6;

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

  /** Runs until the guest has ended or a signal came; after a signal it can be called again. */
  run(): Exclude<MachineStop, { readonly type: "wait" }> {
    if (this.#deadlineMs !== undefined && !this.#wait((this.#deadlineMs - performance.now()) * NS_PER_MS)) {
      return { type: "interrupted" };
    }
    for (;;) {
      const stop = this.#machine.run();
      if (stop.type !== "wait") return stop;
      if (!this.#wait(stop.timeoutNs)) return { type: "interrupted" };
    }
  }

  #wait(timeoutNs: number): boolean {
    const start = performance.now();
    if (!this.#pollSet.wait(Math.max(0, timeoutNs))) {
      this.#deadlineMs = start + timeoutNs / NS_PER_MS;
      return false;
    }
    this.#deadlineMs = undefined;
    let ready = 0n;
    for (const [place, { index }] of this.#waitFor.entries()) {
      if (this.#pollSet.isReady(place)) ready |= 1n << BigInt(index);
    }
    this.#machine.endWait(ready);
    return true;
  }
}
