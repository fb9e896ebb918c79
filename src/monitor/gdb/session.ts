import { setImmediate } from "node:timers/promises";
import type { DebugEngine, DebugHit, DebugLimits, HardwareBreak } from "../../engine/engine.ts";
import type { Architecture } from "../../format/image.ts";
import type { MachineStop } from "../hvt-machine.ts";
import { Breaks } from "./breaks.ts";
import type { GdbClient } from "./client.ts";
import { type DebugTarget, execute } from "./commands.ts";
import { PROGRAM_COUNTER } from "./target-description.ts";

/** How often a client is listened to while its guest runs. */
const SLICE_NS = 20e6;
/** What `solo5_abort` gives. */
const STATUS_ABORT = 255;
/** GDB's own numbers of signals (include/gdb/signals.def). */
const SIGNAL = { interrupt: 2, trap: 5, abort: 6, segmentation: 11 } as const;

type GuestStop = Exclude<MachineStop, { readonly type: "wait" }>;
type GuestEnd = Extract<GuestStop, { readonly type: "exit" | "broken" }>;

export interface DebuggedGuest {
  readonly architecture: Architecture;
  readonly engine: DebugEngine;
  readonly limits: DebugLimits;
  /** Runs the guest as `BlockingRun.run` does. */
  readonly run: (sliceNs: number) => GuestStop;
}

/** How a session came to its end. */
export type SessionEnd =
  /** The guest ended, and its debugger knows. */
  | GuestEnd
  /** The guest shall go on by itself. */
  | { readonly type: "detached" }
  | { readonly type: "killed" }
  /** The debugger left without a word. */
  | { readonly type: "lost" }
  /** This process was asked to end. */
  | { readonly type: "aborted" };

/** A debugger and its guest, which stands before its first instruction. */
export class GdbSession {
  readonly #guest: DebuggedGuest;
  readonly #client: GdbClient;
  readonly #breaks: Breaks;
  readonly #target: DebugTarget;
  readonly #isAborted: () => boolean;
  /** The client knows of the words `swbreak` and `hwbreak`. */
  #tellsBreaks = false;
  #why = signalReply(SIGNAL.trap);
  #end: GuestEnd | undefined;

  constructor(guest: DebuggedGuest, client: GdbClient, isAborted: () => boolean) {
    this.#guest = guest;
    this.#client = client;
    this.#isAborted = isAborted;
    this.#breaks = new Breaks(guest.engine, guest.limits);
    const { engine, architecture } = guest;
    this.#target = {
      architecture,
      memory: engine.memory,
      registers: () => engine.registers(),
      setRegisters: (registers) => engine.setRegisters(registers),
      instructionsWritten: (address, bytes) => engine.instructionsWritten(address, bytes),
    };
  }

  async run(): Promise<SessionEnd> {
    for (;;) {
      const text = await this.#client.command();
      if (this.#isAborted()) return { type: "aborted" };
      if (text === undefined) return { type: "lost" };
      const end = await this.#serve(text);
      if (end !== undefined) return end;
    }
  }

  async #serve(text: string): Promise<SessionEnd | undefined> {
    if (text.startsWith("qSupported")) this.#tellsBreaks = text.includes("swbreak+");
    const command = execute(text, this.#target, this.#breaks);
    switch (command.type) {
      case "reply":
        this.#client.send(command.text);
        return undefined;
      case "why":
        this.#client.send(this.#why);
        return undefined;
      case "no acknowledgments":
        this.#client.send(command.text);
        this.#client.stopAcknowledging();
        return undefined;
      case "detach":
        this.#client.send(command.text);
        this.#breaks.clear();
        this.#guest.engine.debug({ step: false, breakpointInstruction: false, hardware: [] });
        return this.#end ?? { type: "detached" };
      case "kill":
        this.#client.send(command.text);
        return { type: "killed" };
      case "resume":
        return this.#end === undefined ? this.#resume(command.step) : this.#tellEnd(this.#end);
    }
  }

  async #resume(step: boolean): Promise<SessionEnd | undefined> {
    const stop = await this.#runGuest(step);
    switch (stop.type) {
      case "exit":
      case "broken":
        this.#end = stop;
        if (stop.type === "exit" && stop.status !== STATUS_ABORT) return this.#tellEnd(stop);
        // The debugger may look at what has become of it before it ends.
        return this.#tellStop(signalReply(stop.type === "exit" ? SIGNAL.abort : SIGNAL.segmentation));
      case "debug":
        this.#guest.engine.settle();
        return this.#tellStop(this.#trapReply(stop.hit));
      case "interrupted":
        if (this.#isAborted()) return { type: "aborted" };
        if (this.#client.isClosed) return { type: "lost" };
        this.#guest.engine.settle();
        return this.#tellStop(signalReply(SIGNAL.interrupt));
    }
  }

  /** Runs the guest until it stops, or the client wants something. */
  async #runGuest(step: boolean): Promise<GuestStop> {
    this.#breaks.arm(step);
    try {
      for (;;) {
        const stop = this.#guest.run(SLICE_NS);
        if (stop.type !== "interrupted") return stop;
        await setImmediate();
        if (this.#client.takeInterrupt() || this.#client.isClosed || this.#isAborted()) return stop;
      }
    } finally {
      this.#breaks.disarm();
    }
  }

  #tellStop(why: string): undefined {
    this.#why = why;
    this.#client.send(why);
  }

  #tellEnd(end: GuestEnd): GuestEnd {
    this.#client.send(end.type === "exit" ? `W${twoDigits(end.status)}` : `X${twoDigits(SIGNAL.segmentation)}`);
    return end;
  }

  #trapReply({ watch }: DebugHit): string {
    const trap = twoDigits(SIGNAL.trap);
    if (watch !== undefined) return `T${trap}${WATCH_WORD[watch.kind]}:${watch.address.toString(16)};`;
    const pc = this.#guest.engine.registers().get(PROGRAM_COUNTER[this.#guest.architecture]) ?? 0n;
    const kind = this.#breaks.at(pc);
    return kind === undefined || !this.#tellsBreaks ? `S${trap}` : `T${trap}${kind}:;`;
  }
}

const WATCH_WORD: Readonly<Record<HardwareBreak["kind"], string>> = {
  execute: "hwbreak",
  write: "watch",
  read: "rwatch",
  access: "awatch",
};

function signalReply(signal: number): string {
  return `S${twoDigits(signal)}`;
}

function twoDigits(value: number): string {
  return value.toString(16).padStart(2, "0");
}
