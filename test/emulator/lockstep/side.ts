/** One of the two machines that run the same guest, in their own ways. */
import type { EmulatorEngine } from "../../../src/engine/emulator/engine.ts";
import { GUEST_ADDRESS, STATE } from "../../../src/engine/emulator/layout.ts";
import type { Processor } from "../../../src/engine/emulator/processor/processor.ts";
import { describeFault, type EngineStop, type Registers } from "../../../src/engine/engine.ts";
import type { GuestAddress } from "../../../src/memory/address.ts";

const VECTORS = 32;
const STACK_POINTER = 31;

export interface Side {
  /** Instructions that were run. */
  readonly count: number;
  /** Why it goes no farther; undefined where it does. */
  readonly end: string | undefined;
  /** Runs some instructions, about so many at least, or up to its end. */
  run(instructions: number): void;
  /** Runs one instruction, in the interpreter. */
  step(): void;
  readonly pc: bigint;
  /** All, and NZCV, FPCR, FPSR. */
  registers(): Registers;
  /** The guest's. */
  readonly memory: Uint8Array;
}

/** A guest's hypercall that nobody served yet. */
export interface Hypercall {
  readonly number: number;
  readonly pointer: number;
}

/** Nanoseconds of the guest's clock in which an instruction is run. */
const NS_AN_INSTRUCTION = 100;

/** Of an engine that counts: a clock that is the same wherever the guest is the same. */
export function clockOf(engine: () => EmulatorEngine | undefined): () => number {
  return () => {
    const counts = engine()?.instructionCounts;
    return counts === undefined ? 0 : NS_AN_INSTRUCTION * Number(counts.interpreted + counts.translated);
  };
}

export class EngineSide implements Side {
  readonly engine: EmulatorEngine;
  readonly memory: Uint8Array;
  hypercall: Hypercall | undefined;
  fault: EngineStop | undefined;

  /** @param engine counts, and has `clockOf` itself. */
  constructor(engine: EmulatorEngine) {
    this.engine = engine;
    this.memory = engine.memory.own(0 as GuestAddress, engine.memory.sizeBytes).bytes;
  }

  get count(): number {
    const { interpreted, translated } = this.engine.instructionCounts;
    return Number(interpreted + translated);
  }

  get pc(): bigint {
    return this.engine.pc();
  }

  get end(): string | undefined {
    if (this.hypercall !== undefined) return `hypercall ${this.hypercall.number}, ${this.hypercall.pointer}`;
    return this.fault?.type === "fault" ? describeFault(this.fault.fault) : undefined;
  }

  run(instructions: number): void {
    const serve = (number: number, pointer: number) => {
      this.hypercall = { number, pointer };
      return false;
    };
    const stop = this.engine.run({ serve }, NS_AN_INSTRUCTION * instructions);
    if (stop.type === "fault") this.fault = stop;
  }

  step(): void {
    this.engine.debug({ step: true, breakpointInstruction: false, hardware: [] });
    this.run(0);
    this.engine.debug({ step: false, breakpointInstruction: false, hardware: [] });
  }

  registers(): Registers {
    return this.engine.registers();
  }
}

export class ProcessorSide implements Side {
  readonly memory: Uint8Array;
  readonly #processor: Processor;
  #hasStopped = false;

  /** @param processor counts; a store outside its memory is its end. */
  constructor(processor: Processor) {
    this.#processor = processor;
    this.memory = processor.memory.bytes.subarray(GUEST_ADDRESS);
  }

  get count(): number {
    const { interpreted, translated } = this.#processor.instructionCounts;
    return Number(interpreted + translated);
  }

  get pc(): bigint {
    return this.#processor.pc;
  }

  get end(): string | undefined {
    return this.#hasStopped ? "its end" : undefined;
  }

  /** Of so many instructions one in about ten branches. */
  run(instructions: number): void {
    this.#hasStopped = this.#processor.run(Math.ceil(instructions / 10)) === "stopped";
  }

  step(): void {
    this.#hasStopped = this.#processor.step() === "stopped";
  }

  registers(): Registers {
    const { view } = this.#processor.memory;
    const general = Array.from({ length: STACK_POINTER + 1 }, (_, number) => {
      return [number === STACK_POINTER ? "sp" : `x${number}`, this.#processor.getRegister(number)] as const;
    });
    const vectors = Array.from({ length: VECTORS }, (_, number) => {
      const at = STATE.vector(number);
      return [`v${number}`, (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at, true)] as const;
    });
    return new Map([
      ...general,
      ["pstate", this.#processor.pstate],
      ...vectors,
      ["fpcr", BigInt(view.getUint32(STATE.fpcr, true))],
      ["fpsr", BigInt(view.getUint32(STATE.fpsr, true))],
    ]);
  }
}
