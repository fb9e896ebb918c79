import type {
  DebugControl,
  DebugEngine,
  DebugLimits,
  EngineStop,
  GuestFault,
  Registers,
} from "../../../src/engine/engine.ts";
import type { Architecture } from "../../../src/format/image.ts";
import { GuestMemory } from "../../../src/memory/guest-memory.ts";
import type { DebuggedGuest } from "../../../src/monitor/gdb/session.ts";

const NO_FAULT: GuestFault = { what: "nothing" };

/** A guest whose instructions do nothing: each run moves the program counter to the nearest break, or by one step. */
export class FakeGuest implements DebuggedGuest, Pick<DebugEngine, "memory" | "debugLimits"> {
  readonly architecture: Architecture;
  readonly memory: GuestMemory;
  readonly debugLimits: DebugLimits;
  readonly engine: DebugEngine;
  readonly limits: DebugLimits;
  /** What the guest's memory had at breakpoints while it ran. */
  readonly seen: string[] = [];
  /** Addresses of which the processor was told that instructions were written there. */
  readonly written: number[] = [];
  registers: Map<string, bigint>;
  #control: DebugControl = { step: false, breakpointInstruction: false, hardware: [] };
  readonly #breakpoint: Uint8Array;
  readonly #pc: string;
  readonly #status: number;

  constructor(architecture: Architecture, memory: Uint8Array, registers: Map<string, bigint>, status = 0) {
    this.architecture = architecture;
    this.registers = registers;
    this.#status = status;
    this.#pc = architecture === "x86-64" ? "rip" : "pc";
    const buffer = new ArrayBuffer(memory.length);
    new Uint8Array(buffer).set(memory);
    this.memory = new GuestMemory(buffer);
    this.#breakpoint = architecture === "x86-64" ? Uint8Array.of(0xcc) : Uint8Array.of(0, 0, 0x20, 0xd4);
    this.debugLimits = { breakpointInstruction: this.#breakpoint, executeMax: 2, dataMax: 2, totalMax: 3 };
    this.limits = this.debugLimits;
    this.engine = {
      memory: this.memory,
      counterHz: 1,
      debugLimits: this.debugLimits,
      start: () => undefined,
      run: (): EngineStop => ({ type: "fault", fault: NO_FAULT }),
      pc: () => this.pc,
      close: () => undefined,
      settle: () => undefined,
      registers: () => this.registers,
      setRegisters: (values: Registers) => {
        for (const [name, value] of values) this.registers.set(name, value);
      },
      debug: (control: DebugControl) => {
        this.#control = control;
      },
      instructionsWritten: (address: number) => void this.written.push(address),
    };
  }

  get pc(): bigint {
    return this.registers.get(this.#pc) ?? 0n;
  }

  run(): ReturnType<DebuggedGuest["run"]> {
    const stepBytes = this.#breakpoint.length;
    if (this.#control.step) {
      this.registers.set(this.#pc, this.pc + BigInt(stepBytes));
      return { type: "debug", hit: {} };
    }
    const end = this.memory.sizeBytes;
    for (let at = Number(this.pc); at + stepBytes <= end; at += stepBytes) {
      const isInstruction =
        this.#control.breakpointInstruction &&
        Buffer.from(this.memory.range(at, stepBytes)?.bytes ?? []).equals(this.#breakpoint);
      const isHardware = this.#control.hardware.some(
        ({ kind, address }) => kind === "execute" && Number(address) === at,
      );
      if (!isInstruction && !isHardware) continue;
      if (isInstruction) this.seen.push(at.toString(16));
      this.registers.set(this.#pc, BigInt(at));
      return { type: "debug", hit: {} };
    }
    return { type: "exit", status: this.#status };
  }
}
