import { hostAddress } from "../../memory/address.ts";
import { GuestMemory } from "../../memory/guest-memory.ts";
import { AARCH64_TABLES, MAIR } from "../../memory/page-table/aarch64.ts";
import { writePageTables } from "../../memory/page-table/tables.ts";
import type {
  DebugControl,
  DebugEngine,
  EngineStop,
  GuestFault,
  GuestStart,
  HypercallServer,
  Registers,
} from "../engine.ts";
import { describeException, VECTORS_ADDRESS, vectorOf, writeHandlers } from "../guest/handlers-aarch64.ts";
import { TABLES_ADDRESS, TABLES_BYTES } from "../guest/layout.ts";
import { CPACR_FLOATING_POINT, PSTATE_START, SCTLR_ON, STACK_GAP_BYTES, TCR } from "../guest/registers-aarch64.ts";
import { HANDLERS_MAPPING, hypercallNumber, STORE_BYTES, WINDOW_MAPPING } from "../guest/window-aarch64.ts";
import { DEBUG_LIMITS, NO_DEBUGGING, stopsAtBreakpoints, withBreakpoints } from "./debugging.ts";
import { GUEST_ADDRESS, STATE } from "./layout.ts";
import { GUEST_BYTES_MAX } from "./processor/memory.ts";
import {
  type Bus,
  type InstructionCounts,
  Processor,
  type ProcessorOptions,
  type ProcessorStop,
} from "./processor/processor.ts";

/** Largest guest memory, in bytes: a WebAssembly memory of 4 GiB less what the engine itself needs of it. */
export const EMULATOR_MEMORY_BYTES_MAX = GUEST_BYTES_MAX;

/** Of the counter that the guest reads. */
const COUNTER_HZ = 62_500_000;
/** Branches backwards between two looks at the clock: so many that these cost little, and so few that slices end in time. */
const TURN_BRANCHES_MIN = 1000;
const TURN_BRANCHES_MAX = 250_000;
const TURN_NS_MIN = 0.25e6;
const TURN_NS_MAX = 1e6;
/** As the processor numbers it, behind the general registers. */
const STACK_POINTER = 31;
const VECTOR_REGISTERS = 32;

const SERVED: EngineStop = { type: "served" };
const INTERRUPTED: EngineStop = { type: "interrupted" };
const STEPPED: EngineStop = { type: "debug", hit: {} };

/** Monotonic, in nanoseconds. */
const monotonicNs = () => performance.now() * 1e6;

export interface EmulatorOptions extends ProcessorOptions {
  /** Of the guest's counter and of time slices, in nanoseconds; the host's own where it is left out. */
  readonly nowNs?: () => number;
}

/** What a host can do with a buffer beyond what JavaScript offers. */
export interface BufferHost {
  /** Where it lies in this process. */
  readonly addressOf: (buffer: ArrayBufferLike) => bigint;
  /** Gives its pages back, whatever still knows the buffer. */
  readonly release: (buffer: ArrayBufferLike) => void;
}

/** Runs an AArch64 guest on any host that runs JavaScript. */
export class EmulatorEngine implements DebugEngine {
  readonly debugLimits = DEBUG_LIMITS;
  readonly memory: GuestMemory;
  readonly counterHz = COUNTER_HZ;
  readonly #processor: Processor;
  readonly #nowNs: () => number;
  readonly #release: () => void;
  #server: HypercallServer | undefined;
  #stop: EngineStop | undefined;
  #control = NO_DEBUGGING;
  #turnBranches = TURN_BRANCHES_MIN;
  /** The engine's own vector ended the last run. */
  #tookVector = false;

  /**
   * @param memoryBytes a multiple of the page, at most `EMULATOR_MEMORY_BYTES_MAX`.
   * @throws RangeError where the host has no room for the memory.
   */
  constructor(memoryBytes: number, host?: BufferHost, options: EmulatorOptions = {}) {
    this.#nowNs = options.nowNs ?? monotonicNs;
    const bus: Bus = {
      load: (address, bytes) => this.#fault(address, bytes, "read"),
      store: (address, bytes, value) => this.#store(address, bytes, value),
    };
    this.#processor = new Processor(memoryBytes, bus, COUNTER_HZ, this.#nowNs, options);
    const { buffer } = this.#processor.memory.memory;
    this.#release = () => host?.release(buffer);
    const view = new DataView(buffer, GUEST_ADDRESS, memoryBytes);
    const address = host && hostAddress(host.addressOf(buffer) + BigInt(GUEST_ADDRESS));
    this.memory = new GuestMemory(view, address);
    writeHandlers(this.memory);
  }

  /** Of an engine that counts. */
  get instructionCounts(): InstructionCounts {
    return this.#processor.instructionCounts;
  }

  start({ entry, stackPointer, argument, mappings }: GuestStart): void {
    const all = [...mappings, HANDLERS_MAPPING, WINDOW_MAPPING].sort((a, b) => a.start - b.start);
    const area = this.memory.own(TABLES_ADDRESS, TABLES_BYTES);
    const { root } = writePageTables(AARCH64_TABLES, area, all);
    const processor = this.#processor;
    processor.setSystemRegister("mair_el1", MAIR);
    processor.setSystemRegister("tcr_el1", TCR);
    processor.setSystemRegister("ttbr0_el1", BigInt(root));
    processor.setSystemRegister("vbar_el1", BigInt(VECTORS_ADDRESS));
    processor.setSystemRegister("cpacr_el1", CPACR_FLOATING_POINT);
    processor.setSystemRegister("sctlr_el1", processor.registers.get("sctlr_el1") | SCTLR_ON);
    processor.pstate = PSTATE_START;
    processor.setRegister(STACK_POINTER, BigInt(stackPointer - STACK_GAP_BYTES));
    processor.setRegister(0, BigInt(argument));
    processor.pc = BigInt(entry);
  }

  run(server: HypercallServer, sliceNs?: number): EngineStop {
    this.#server = server;
    this.#stop = undefined;
    this.#tookVector = false;
    const end = sliceNs === undefined ? Number.POSITIVE_INFINITY : this.#nowNs() + sliceNs;
    const control = this.#control;
    if (control === NO_DEBUGGING) return this.#run(end);
    const processor = this.#processor;
    processor.stopsAtBreakpoints = stopsAtBreakpoints(control);
    const written = (address: number, bytes: number) => this.instructionsWritten(address, bytes);
    const run = () => (control.step ? this.#step() : this.#run(end));
    return withBreakpoints(control, this.memory, written, run);
  }

  #run(end: number): EngineStop {
    for (;;) {
      const begin = this.#nowNs();
      const stop = this.#stopOf(this.#processor.run(this.#turnBranches));
      if (stop !== undefined) return stop;
      const now = this.#nowNs();
      if (now >= end) return INTERRUPTED;
      this.#fitTurn(now - begin);
    }
  }

  #step(): EngineStop {
    const reason = this.#processor.step();
    return (reason === undefined ? this.#stop : this.#stopOf(reason)) ?? STEPPED;
  }

  /** @returns undefined where the guest goes on. */
  #stopOf(reason: ProcessorStop): EngineStop | undefined {
    if (this.#stop !== undefined) return this.#stop;
    switch (reason) {
      case "budget":
        return undefined;
      case "breakpoint":
        return STEPPED;
      case "wait":
        return this.#processor.nextTimerDeadlineNs() === undefined ? this.#waitForNothing() : undefined;
      case "stopped":
        throw new Error("the processor stopped for nothing");
    }
  }

  /** Turns become shorter where branches are far apart, so that slices end in time, and longer where all their branches took little. */
  #fitTurn(tookNs: number): void {
    const left = this.#processor.memory.view.getInt32(STATE.budget, true);
    if (tookNs > TURN_NS_MAX) this.#turnBranches = Math.max(1, this.#turnBranches >> 1);
    else if (tookNs < TURN_NS_MIN && left <= 0)
      this.#turnBranches = Math.min(TURN_BRANCHES_MAX, this.#turnBranches << 1);
  }

  /** WFI or WFE: the ABI has no interrupts, and there is one processor. */
  #waitForNothing(): EngineStop {
    return { type: "fault", fault: { what: "a wait for an interrupt, which nothing sends", pc: this.#processor.pc } };
  }

  pc(): bigint {
    return this.#processor.pc;
  }

  registers(): Registers {
    const processor = this.#processor;
    const { view } = processor.memory;
    const registers = new Map<string, bigint>();
    for (let number = 0; number < STACK_POINTER; number++) registers.set(`x${number}`, processor.getRegister(number));
    registers.set("sp", processor.getRegister(STACK_POINTER));
    registers.set("pc", processor.pc);
    registers.set("pstate", processor.pstate);
    for (let number = 0; number < VECTOR_REGISTERS; number++) {
      const at = STATE.vector(number);
      registers.set(`v${number}`, (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at, true));
    }
    registers.set("fpsr", BigInt(view.getUint32(STATE.fpsr, true)));
    registers.set("fpcr", BigInt(view.getUint32(STATE.fpcr, true)));
    if (!this.#tookVector) return registers;
    registers.set("x0", processor.registers.get("tpidr_el1"));
    registers.set("pc", processor.registers.get("elr_el1"));
    return registers.set("pstate", processor.registers.get("spsr_el1"));
  }

  settle(): void {
    this.#processor.settle();
  }

  setRegisters(registers: Registers): void {
    const processor = this.#processor;
    for (const [name, value] of registers) {
      const number = /^x([0-9]+)$/.exec(name)?.[1];
      if (number !== undefined) processor.setRegister(Number(number), value);
      else if (name === "sp") processor.setRegister(STACK_POINTER, value);
      else if (name === "pc" || name === "pstate") processor[name] = value;
    }
  }

  debug(control: DebugControl): void {
    const isOn = control.step || stopsAtBreakpoints(control);
    this.#control = isOn ? control : NO_DEBUGGING;
    this.#processor.stopsAtBreakpoints = false;
  }

  instructionsWritten(address: number, bytes: number): void {
    this.#processor.memory.forgetInstructions(address, bytes);
  }

  close(): void {
    this.#release();
  }

  #store(address: number, bytes: number, value: bigint): "done" | "stop" {
    if (bytes !== STORE_BYTES) return this.#fault(address, bytes, "write");
    const number = hypercallNumber(address);
    if (number !== undefined) {
      if (this.#server?.serve(number, Number(value)) === true) return "done";
      this.#stop = SERVED;
      return "stop";
    }
    const vector = vectorOf(BigInt(address));
    if (vector === undefined) return this.#fault(address, bytes, "write");
    const { registers } = this.#processor;
    this.#tookVector = true;
    return this.#stopFor(
      describeException(vector, {
        syndrome: registers.get("esr_el1"),
        address: registers.get("far_el1"),
        pc: registers.get("elr_el1"),
      }),
    );
  }

  #fault(address: number, bytes: number, access: "read" | "write"): "stop" {
    const what = `an access of ${bytes} bytes outside its memory`;
    return this.#stopFor({ what, address: BigInt(address), access, pc: this.#processor.pcInFlight });
  }

  #stopFor(fault: GuestFault): "stop" {
    this.#stop = { type: "fault", fault };
    return "stop";
  }
}
