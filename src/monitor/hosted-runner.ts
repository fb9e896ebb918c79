import type { DeviceBuffer } from "../device/buffer.ts";
import type { Image } from "../format/image.ts";
import type { HostedEngine, HostedMachine } from "./hosted-machine.ts";
import { type GuestEnd, HostedRun } from "./hosted-run.ts";
import { commandLine, type HvtMachine } from "./hvt-machine.ts";
import type { MatchedDevice } from "./match-devices.ts";
import { type OpenDevices, openDevices } from "./open-devices.ts";
import { RingThread } from "./ring/thread.ts";
import type { ExitStatus, Runner, RunnerEvents } from "./runner.ts";

export interface HostedRunnerOptions {
  readonly hosting: HostedEngine;
  readonly image: Image;
  readonly args: readonly string[];
  readonly memoryMib: number;
  readonly matched: readonly MatchedDevice[];
}

/** Runs a guest in this process, in turns on its event loop. */
export class HostedRunner implements Runner {
  readonly pid = undefined;
  readonly #events: RunnerEvents;
  readonly #run: HostedRun;
  readonly #machine: HvtMachine;
  readonly #offerRing: HostedMachine["offerRing"];
  /** Undefined for a guest without network rings. */
  readonly #rings: RingThread | undefined;
  readonly #closeDevices: OpenDevices["closeAside"];
  /** What the guest wrote in this turn: listeners hear of it while the guest does not run. */
  #written: Uint8Array[] = [];
  #hasEnded = false;

  /** Opens the devices and loads the guest; nothing stays where one of both is refused. */
  constructor({ hosting, image, args, memoryMib, matched }: HostedRunnerOptions, events: RunnerEvents) {
    this.#events = events;
    const words = commandLine(args);
    const { devices, close, closeAside } = openDevices(matched);
    this.#closeDevices = closeAside;
    const hasRing = hosting.hasRings && devices.some(({ type }) => type === "net");
    this.#rings = hasRing ? RingThread.start() : undefined;
    let machine: HvtMachine | undefined;
    try {
      const console = { write: ({ bytes }: DeviceBuffer) => void this.#written.push(bytes.slice()) };
      const made = hosting.makeMachine({ image, memoryMib, commandLine: words, devices, console });
      machine = made.machine;
      this.#offerRing = made.offerRing;
      const onFailure = (error: unknown) => this.#fail(error);
      this.#run = new HostedRun({
        ...made,
        onTurn: () => this.#tell(),
        onEnd: (end) => this.#endWith(end),
        onFailure,
      });
    } catch (error) {
      machine?.close();
      close();
      throw error;
    }
    this.#machine = machine;
  }

  start(): void {
    const rings = this.#rings;
    if (rings === undefined) this.#run.start();
    else if (rings.isRunning) this.#startWith(rings);
    else void rings.settled.then(() => this.#startWith(rings));
  }

  #startWith(rings: RingThread): void {
    if (this.#hasEnded) return;
    this.#offerRing(rings, (error) => this.#fail(error));
    this.#run.start();
  }

  stop(): void {
    this.#run.stop();
    this.#end({ status: undefined, signal: "SIGKILL" });
  }

  #tell(): void {
    const written = this.#written;
    this.#written = [];
    for (const bytes of written) {
      // A listener may have stopped the machine, and has been told of its end.
      if (!this.#hasEnded) this.#events.console(bytes);
    }
  }

  #endWith(end: GuestEnd): void {
    if (end.type === "broken") this.#events.diagnostic(`the guest ${end.reason}\n`);
    this.#end({ status: end.type === "exit" ? end.status : 1, signal: undefined });
  }

  /** What the guest wrote before is told. */
  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#run.stop();
    this.#tell();
    this.#close(() => this.#events.failed(error));
  }

  #end(exit: ExitStatus): void {
    this.#close(() => this.#events.exit(exit));
  }

  /** Whoever stops it, in a listener perhaps, is not interrupted by what is told in the end. */
  #close(tell: () => void): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#machine.close();
    this.#closeDevices(tell);
  }
}
