/** One AArch64 processor at EL1 and EL0: runs instructions, takes exceptions, and says why it stopped. */
import type { HostFunctionName } from "../host-functions.ts";
import { type HandlerLibrary, handlersThat } from "../interpreter/handlers.ts";
import { STATE } from "../layout.ts";
import type { Bus } from "./bus.ts";
import { CodeRecords } from "./code.ts";
import { DataAccess } from "./data-access.ts";
import { DebugMonitor } from "./debug.ts";
import { Execution, type ProcessorStop } from "./execution.ts";
import { type InterruptLine, Interrupts } from "./interrupts.ts";
import { MachineMemory } from "./memory.ts";
import { Regions } from "./regions.ts";
import { RegisterAccess } from "./register-access.ts";
import { SystemRegisters } from "./registers.ts";
import { ProcessorState } from "./state.ts";
import { SystemInstructions } from "./system-instructions.ts";
import { GenericTimer, type Timer, type TimerListener } from "./timer.ts";

export type { Bus } from "./bus.ts";
export type { ProcessorStop } from "./execution.ts";
export type { InterruptLine } from "./interrupts.ts";
export type { Timer, TimerListener } from "./timer.ts";

/** What is translated to WebAssembly: what runs often, whatever is branched to, or nothing. The rest is interpreted. */
export type Translation = "hot" | "all" | "none";

export interface ProcessorOptions {
  /** `hot` where it is left out. */
  readonly translation?: Translation;
  /** Instructions are counted, which makes them slower. */
  readonly counts?: boolean;
  /** The interpreter's functions; all machines share those of the process where it is left out. */
  readonly handlers?: HandlerLibrary;
}

/** Instructions by how they were run. */
export interface InstructionCounts {
  readonly interpreted: bigint;
  readonly translated: bigint;
}

/** About what it takes where instructions call functions of these, and in a turn at most. */
const COST_NS = { access: 1000, read: 50, write: 500, system: 1500 } as const;
const TURN_WORK_NS = 1e6;

export class Processor {
  readonly memory: MachineMemory;
  readonly registers: SystemRegisters;
  readonly counterHz: number;
  readonly #state: ProcessorState;
  readonly #timer: GenericTimer;
  readonly #interrupts: Interrupts;
  readonly #registerAccess: RegisterAccess;
  readonly #code: CodeRecords;
  readonly #execution: Execution;

  /**
   * @param nowNs of a clock that goes on evenly, in nanoseconds.
   */
  constructor(guestBytes: number, bus: Bus, counterHz: number, nowNs: () => number, options: ProcessorOptions = {}) {
    this.memory = new MachineMemory(guestBytes);
    this.registers = new SystemRegisters(counterHz);
    this.counterHz = counterHz;
    this.#state = new ProcessorState(this.memory, this.registers);
    this.#timer = new GenericTimer(this.registers, counterHz, nowNs);
    this.#interrupts = new Interrupts(this.#state);
    const debug = new DebugMonitor(this.#state);
    this.#registerAccess = new RegisterAccess(this.#state, this.#timer, this.#interrupts, debug);
    const data = new DataAccess(this.#state, bus, debug);
    const { translation = "hot", counts = false, handlers = handlersThat(counts) } = options;
    this.#code = new CodeRecords(this.memory, handlers, hostFunctions(data, this.#registerAccess, this.#state));
    this.#execution = new Execution({
      state: this.#state,
      code: this.#code,
      data,
      interrupts: this.#interrupts,
      timer: this.#timer,
      debug,
      regions:
        translation === "none"
          ? undefined
          : new Regions(this.#state, this.#code, { isEager: translation === "all", counts }),
    });
  }

  get pc(): bigint {
    return this.#state.pc;
  }

  set pc(value: bigint) {
    this.#state.pc = value;
  }

  /** Of the instruction whose access the bus serves. */
  get pcInFlight(): bigint {
    return this.#code.pcOf(this.memory.view.getUint32(STATE.record, true));
  }

  /** X0 to X30; 31 is the stack pointer in use. */
  getRegister(number: number): bigint {
    return this.#state.getRegister(number);
  }

  setRegister(number: number, value: bigint): void {
    this.#state.setRegister(number, value);
  }

  /** As SPSR_EL1 has it. */
  get pstate(): bigint {
    return this.#state.pstate;
  }

  set pstate(value: bigint) {
    this.#state.pstate = value;
  }

  /** Bits 31 to 28. */
  get nzcv(): bigint {
    return this.#state.nzcv;
  }

  set nzcv(value: bigint) {
    this.#state.nzcv = value;
  }

  /** Of a processor that counts. */
  get instructionCounts(): InstructionCounts {
    const { view } = this.memory;
    return {
      interpreted: view.getBigUint64(STATE.interpreted, true),
      translated: view.getBigUint64(STATE.translated, true),
    };
  }

  /** Of the generic timer (D11). */
  counter(): bigint {
    return this.#timer.counter();
  }

  /** Writes a system register as MSR does. */
  setSystemRegister(...[register, value]: Parameters<SystemRegisters["set"]>): void {
    this.#registerAccess.set(register, value);
  }

  /**
   * An input of the processor becomes high or low. An exception for it is taken before one of the next instructions, at the
   * latest with the next branch backwards, while PSTATE does not mask it.
   */
  setInterrupt(line: InterruptLine, isHigh: boolean): void {
    this.#interrupts.setLine(line, isHigh);
    if (this.#interrupts.isTakeable) this.#execution.attend();
  }

  /** Called when the output of a timer changes, which `run` looks after: a host leads it to its interrupt controller. */
  set onTimerOutput(listener: TimerListener) {
    this.#timer.onOutput = listener;
  }

  timerOutput(timer: Timer): boolean {
    return this.#timer.output(timer);
  }

  /** Nanoseconds until a timer's output changes or an event comes; undefined where only the host can end a wait. */
  nextTimerDeadlineNs(): number | undefined {
    return this.#execution.nextTimerDeadlineNs();
  }

  /** Whether BRK stops the processor, and is no exception. */
  set stopsAtBreakpoints(stops: boolean) {
    this.#execution.stopsAtBreakpoints = stops;
  }

  /** Runs one instruction, or takes an exception in its place. @returns why it stopped beside that. */
  step(): ProcessorStop | undefined {
    return this.#execution.step();
  }

  /** Brings an instruction to its end whose store stopped the processor. */
  settle(): void {
    this.#execution.settle();
  }

  /** Runs until the budget of branches backwards and exceptions is used, or something stops it. */
  run(budget: number): ProcessorStop {
    return this.#execution.run(budget);
  }
}

function hostFunctions(
  data: DataAccess,
  registers: RegisterAccess,
  state: ProcessorState,
): Readonly<Record<HostFunctionName, (...args: never[]) => number>> {
  const system = new SystemInstructions(state, data);
  let workNs = 0;
  /** Turns end in time whatever they run: after so much work, there is nothing left of the budget. */
  const costs =
    <Args extends readonly unknown[]>(ns: number, function_: (...args: Args) => number) =>
    (...args: Args): number => {
      workNs += ns;
      if (workNs >= TURN_WORK_NS) {
        workNs = 0;
        state.view.setInt32(STATE.budget, 0, true);
      }
      return function_(...args);
    };
  return {
    translateLoad: costs(COST_NS.access, (how: number) => data.toLoad(how)),
    translateStore: costs(COST_NS.access, (how: number) => data.toStore(how)),
    finishStore: () => data.finishStore(),
    readSystemRegister: costs(COST_NS.read, (encoding: number) => registers.read(encoding)),
    writeSystemRegister: costs(COST_NS.write, (encoding: number, value: bigint) =>
      registers.write(encoding, BigInt.asUintN(64, value)),
    ),
    writeProcessorState: costs(COST_NS.read, (field: number, value: number) =>
      registers.writeProcessorState(field, value),
    ),
    systemInstruction: costs(COST_NS.system, (encoding: number, value: bigint) =>
      system.execute(encoding, BigInt.asUintN(64, value)),
    ),
  };
}
