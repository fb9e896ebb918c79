import { PollSet } from "../host/poll-set.ffi.ts";
import { Readiness, type Watch } from "../host/readiness.ffi.ts";
import type { HostDevices } from "./host-devices.ts";
import type { HvtMachine, MachineStop } from "./hvt-machine.ts";
import { Turns } from "./turns.ts";

const NS_PER_MS = 1e6;
/** Longest delay of Node's timers. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** How a guest came to its end. */
export type GuestEnd = Extract<MachineStop, { readonly type: "exit" | "broken" }>;

export interface HostedRunParts {
  readonly machine: HvtMachine;
  readonly waitFor: HostDevices["waitFor"];
  /** Called after each turn of the guest. */
  readonly onTurn: () => void;
  /** Called once, after the last turn, unless the run was stopped. */
  readonly onEnd: (end: GuestEnd) => void;
  /** The same where the host let it down. */
  readonly onFailure: (error: unknown) => void;
}

/** Runs a machine in turns on this thread's event loop, which it keeps alive. */
export class HostedRun {
  readonly #parts: HostedRunParts;
  readonly #pollSet: PollSet;
  readonly #watches: readonly Watch[];
  #deadlineMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: HostedRunParts) {
    this.#parts = parts;
    const descriptors = parts.waitFor.map(({ descriptor }) => descriptor);
    this.#pollSet = new PollSet(descriptors);
    this.#watches = descriptors.map((descriptor) => Readiness.ofThisThread().watch(descriptor, () => this.#look()));
  }

  start(): void {
    this.#askForTurn();
  }

  /** Not from inside the guest's devices: the guest must not be running. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const watch of this.#watches) watch.close();
  }

  #askForTurn(): void {
    Turns.ofThisThread.ask((sliceNs) => this.#turn(sliceNs));
  }

  #turn(sliceNs: number): void {
    if (this.#isStopped) return;
    let stop: MachineStop;
    try {
      stop = this.#runFor(sliceNs);
    } catch (error) {
      this.stop();
      this.#parts.onFailure(error);
      return;
    }
    try {
      this.#parts.onTurn();
    } finally {
      // A listener may have stopped it.
      if (!this.#isStopped) this.#goOn(stop);
    }
  }

  /** Runs the guest up to a stop that this turn cannot answer. */
  #runFor(sliceNs: number): MachineStop {
    const end = performance.now() + sliceNs / NS_PER_MS;
    for (let left = sliceNs; left > 0; left = (end - performance.now()) * NS_PER_MS) {
      const stop = this.#parts.machine.run(left);
      if (stop.type !== "wait" || !this.#endWait(stop.timeoutNs === 0)) return stop;
    }
    return { type: "interrupted" };
  }

  #goOn(stop: MachineStop): void {
    switch (stop.type) {
      case "interrupted":
        this.#askForTurn();
        break;
      case "wait":
        this.#deadlineMs = performance.now() + stop.timeoutNs / NS_PER_MS;
        this.#sleep();
        break;
      case "exit":
      case "broken":
        this.stop();
        this.#parts.onEnd(stop);
        break;
    }
  }

  #sleep(): void {
    for (const watch of this.#watches) watch.arm();
    const delayMs = Math.ceil(this.#deadlineMs - performance.now());
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(delayMs, 1), TIMER_MS_MAX));
  }

  /** A device is ready, or time has gone by. */
  #look(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    if (!this.#endWait(performance.now() >= this.#deadlineMs)) {
      this.#sleep();
      return;
    }
    for (const watch of this.#watches) watch.disarm();
    this.#askForTurn();
  }

  /** Ends the guest's wait where a device is ready, or the time is up. */
  #endWait(isTimeUp: boolean): boolean {
    let ready = 0n;
    if (this.#watches.length > 0 && this.#pollSet.wait(0)) {
      for (const [place, { index }] of this.#parts.waitFor.entries()) {
        if (this.#pollSet.isReady(place)) ready |= 1n << BigInt(index);
      }
    }
    if (ready === 0n && !isTimeUp) return false;
    this.#parts.machine.endWait(ready);
    return true;
  }
}
