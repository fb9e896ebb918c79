/** The loop that enters generated code, and does what it came back for. */
import { RETURNS, STATE } from "../layout.ts";
import { EXIT } from "../semantics/operation.ts";
import { translateNow } from "./address-space.ts";
import type { CodeRecords } from "./code.ts";
import type { DataAccess } from "./data-access.ts";
import type { DebugMonitor } from "./debug.ts";
import { returnFromException, takeException } from "./exceptions.ts";
import type { Interrupts } from "./interrupts.ts";
import { LETS_EL0 } from "./reach.ts";
import type { Regions } from "./regions.ts";
import type { ProcessorState } from "./state.ts";
import { EXCEPTION_CLASS, FAULT, ISS_ANY_CONDITION, type Trap } from "./syndrome.ts";
import type { GenericTimer } from "./timer.ts";
import { withoutTag } from "./translate.ts";

export interface ExecutionParts {
  readonly state: ProcessorState;
  readonly code: CodeRecords;
  readonly data: DataAccess;
  readonly interrupts: Interrupts;
  readonly timer: GenericTimer;
  readonly debug: DebugMonitor;
  /** Undefined where nothing is translated. */
  readonly regions: Regions | undefined;
}

/** `wait`: until an interrupt, or an event where WFE waits. `breakpoint`: at BRK, where it was asked for. */
export type ProcessorStop = "stopped" | "budget" | "wait" | "breakpoint";

/** HINT's numbers (C6.2.101). */
const HINT = { wfe: 2, wfi: 3 } as const;
const ISS_WAITS_FOR_EVENT = 1;
const INSTRUCTION_BYTES = 4n;
/** More than one instruction can use up. */
const STEP_BUDGET = 1000;

/** What WFI or WFE waits for. @param until the counter's value at the next event of the event stream. */
type Wait = { readonly for: "interrupt" } | { readonly for: "event"; readonly until: bigint | undefined };

export class Execution {
  readonly #state: ProcessorState;
  readonly #code: CodeRecords;
  readonly #data: DataAccess;
  readonly #interrupts: Interrupts;
  readonly #timer: GenericTimer;
  readonly #debug: DebugMonitor;
  readonly #regions: Regions | undefined;
  /** BRK stops the processor, and is no exception. */
  stopsAtBreakpoints = false;
  #waiting: Wait | undefined;
  /** Of the budget, what was taken away so that generated code comes back soon. */
  #withheld = 0;

  constructor({ state, code, data, interrupts, timer, debug, regions }: ExecutionParts) {
    this.#debug = debug;
    this.#state = state;
    this.#code = code;
    this.#data = data;
    this.#interrupts = interrupts;
    this.#timer = timer;
    this.#regions = regions;
  }

  get #view(): DataView {
    return this.#state.view;
  }

  /** Runs until the budget of branches backwards and exceptions is used, or something stops it. */
  run(budget: number): ProcessorStop {
    if (this.#begin(budget) === "wait") return "wait";
    for (;;) {
      const stop = this.#debug.isActive ? this.#stepWatched() : this.#step();
      if (stop !== undefined) return stop;
      if (this.#spend() <= 0 && !this.#giveBack()) return "budget";
    }
  }

  /** Runs one instruction, or takes an exception in its place. @returns why it stopped beside that. */
  step(): ProcessorStop | undefined {
    if (this.#begin(STEP_BUDGET) === "wait") return "wait";
    if (this.#debug.isActive) return this.#stepWatched();
    const record = this.#next();
    return record === undefined ? undefined : this.#stepAt(record);
  }

  #stepAt(record: number): ProcessorStop | undefined {
    const reason = this.#code.step(record);
    this.#comeBack(reason, this.#view.getUint32(STATE.record, true));
    return reason === EXIT.decode ? undefined : this.#leave(reason);
  }

  /** As `step`, with the debug exceptions that EL1 asked for. */
  #stepWatched(): ProcessorStop | undefined {
    this.#interrupt();
    const state = this.#state;
    const begins = this.#debug.isActive && !this.#data.isInStore;
    const stepped = begins ? this.#debug.beforeFetch() : undefined;
    if (stepped !== undefined) return this.#take(stepped);
    const record = this.#fetch();
    if (record === undefined) return undefined;
    const broken = begins ? this.#debug.atInstruction() : undefined;
    if (broken !== undefined) return this.#take(broken);
    if (state.isIllegal) return this.#takeIllegal();
    const { exceptionCount, singleStep } = state;
    const host = state.memory.host(state.memory.physicalOf(record), 4);
    const word = host === undefined ? 0 : this.#view.getUint32(host, true);
    const stop = this.#stepAt(record);
    if (singleStep && state.exceptionCount === exceptionCount) this.#debug.advance(word);
    return stop;
  }

  /** Brings an instruction to its end whose store stopped the processor. */
  settle(): void {
    while (this.#data.isInStore) this.step();
  }

  #begin(budget: number): "wait" | undefined {
    this.#timer.update();
    if (this.#waiting !== undefined && !this.#hasCome(this.#waiting)) return "wait";
    this.#waiting = undefined;
    this.#withheld = 0;
    this.#view.setInt32(STATE.budget, budget, true);
    return undefined;
  }

  /** Generated code comes back once so many branches backwards are done, so that an interrupt is taken. */
  attend(branches = 0): void {
    this.#withheld += this.#view.getInt32(STATE.budget, true) - branches;
    this.#view.setInt32(STATE.budget, branches, true);
  }

  /** Nanoseconds until the processor may have to do something; undefined where it has not to wait, or waits for the host alone. */
  nextTimerDeadlineNs(): number | undefined {
    const output = this.#timer.nextOutputNs();
    const waiting = this.#waiting;
    if (waiting?.for !== "event" || waiting.until === undefined) return output;
    return Math.min(output ?? Number.POSITIVE_INFINITY, this.#timer.nsUntilCounter(waiting.until));
  }

  /** As `#resolve`, after an interrupt where there is one. */
  #next(): number | undefined {
    this.#interrupt();
    return this.#resolve();
  }

  #interrupt(): void {
    if (!this.#interrupts.isTakeable) return;
    // Its instruction comes to its end, at the cost of a branch at most.
    if (this.#data.isInStore) this.attend(1);
    else this.#interrupts.take();
  }

  #step(): ProcessorStop | undefined {
    const record = this.#next();
    if (record === undefined) return undefined;
    const regions = this.#regions;
    if (!regions?.isEager || regions.has(record)) return this.#runFrom(record);
    regions.translate(record);
    // Records may be others now.
    const again = this.#resolve();
    return again === undefined ? undefined : this.#runFrom(again);
  }

  #hasCome(waiting: Wait): boolean {
    if (waiting.for === "interrupt") return this.#interrupts.pending !== 0n;
    const { until } = waiting;
    return (
      this.#interrupts.isTakeable || this.#state.hasEvent || (until !== undefined && this.#timer.counter() >= until)
    );
  }

  /** @returns whether there is budget left, which `attend` took away. */
  #giveBack(): boolean {
    const left = this.#withheld + this.#view.getInt32(STATE.budget, true);
    this.#withheld = 0;
    this.#view.setInt32(STATE.budget, left, true);
    return left > 0;
  }

  /** @returns as `#leave` does, with `pc` where the instructions came back. */
  #runFrom(first: number): ProcessorStop | undefined {
    const code = this.#code;
    for (let record = first; ; code.decodeRun(record)) {
      const reason = code.enter(record);
      record = this.#view.getUint32(STATE.record, true);
      if (reason === EXIT.decode) continue;
      this.#comeBack(reason, record);
      return this.#leave(reason);
    }
  }

  /** Brings `pc` to where generated code left. */
  #comeBack(reason: number, record: number): void {
    this.#state.pc = reason === EXIT.target ? this.#view.getBigUint64(STATE.target, true) : this.#code.pcOf(record);
  }

  /** A guest whose exception handler faults comes back again and again, without a branch of its own. */
  #spend(): number {
    const left = this.#view.getInt32(STATE.budget, true) - 1;
    this.#view.setInt32(STATE.budget, left, true);
    return left;
  }

  /** @returns why the processor stops; undefined where it goes on at `pc`. */
  #leave(reason: number): ProcessorStop | undefined {
    const state = this.#state;
    switch (reason) {
      case EXIT.target:
        return undefined;
      case EXIT.synchronize:
        return undefined;
      case EXIT.returned:
        state.pc = RETURNS.none;
        return undefined;
      // These take as long as many branches: whoever gave the budget looks at the clock.
      case EXIT.hot:
        this.#regions?.translate(this.#view.getUint32(STATE.record, true));
        return this.#regions === undefined ? undefined : "budget";
      case EXIT.stale:
        this.#regions?.revalidate(this.#view.getUint32(STATE.record, true));
        return "budget";
      case EXIT.budget:
        return this.#giveBack() ? undefined : "budget";
      case EXIT.hint:
        return this.#hint(this.#detail());
      case EXIT.access:
        return this.#takeOwn() ? undefined : "stopped";
      case EXIT.system:
        if (!this.#takeOwn()) state.pc += INSTRUCTION_BYTES;
        return undefined;
      case EXIT.svc:
        state.singleStep = false;
        return this.#take({ exceptionClass: EXCEPTION_CLASS.svc, iss: this.#detail() }, state.pc + INSTRUCTION_BYTES);
      case EXIT.brk:
        if (this.stopsAtBreakpoints) return "breakpoint";
        return this.#take({ exceptionClass: EXCEPTION_CLASS.brk, iss: this.#detail() });
      case EXIT.vectorTrap:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.vectors, iss: ISS_ANY_CONDITION });
      case EXIT.eret:
        returnFromException(state, this.#debug);
        return undefined;
      default:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.unknown, iss: 0 });
    }
  }

  /** Takes what the instruction at hand met. @returns whether there was something. */
  #takeOwn(): boolean {
    const { trap } = this.#state;
    this.#state.trap = undefined;
    if (trap !== undefined) this.#take(trap);
    return trap !== undefined;
  }

  /** WFI, WFE, SEV, SEVL (D1.6). */
  #hint(number: number): ProcessorStop | undefined {
    const state = this.#state;
    const isForEvent = number === HINT.wfe;
    if (!isForEvent && number !== HINT.wfi) {
      state.hasEvent = true;
      state.pc += INSTRUCTION_BYTES;
      return undefined;
    }
    const waiting: Wait = isForEvent ? { for: "event", until: this.#timer.nextEventCounter() } : { for: "interrupt" };
    if (!this.#hasCome(waiting)) {
      const lets = isForEvent ? LETS_EL0.waitForEvent : LETS_EL0.waitForInterrupt;
      if (state.level === 0 && (state.registers.get("sctlr_el1") & lets) === 0n) {
        const iss = ISS_ANY_CONDITION | (isForEvent ? ISS_WAITS_FOR_EVENT : 0);
        return this.#take({ exceptionClass: EXCEPTION_CLASS.waitInstruction, iss });
      }
      this.#waiting = waiting;
    }
    if (isForEvent) state.hasEvent = false;
    state.pc += INSTRUCTION_BYTES;
    return this.#waiting === undefined ? undefined : "wait";
  }

  #take(trap: Trap, returnAddress = this.#state.pc): undefined {
    takeException(this.#state, trap, returnAddress);
    return undefined;
  }

  #detail(): number {
    return this.#view.getUint32(STATE.detail, true);
  }

  /** The record of the instruction at `pc`; undefined where that makes an exception, with `pc` at the vector then. */
  #resolve(): number | undefined {
    const record = this.#fetch();
    return record !== undefined && this.#state.isIllegal ? this.#takeIllegal() : record;
  }

  /** Of lower priority than what fetching an instruction meets (D1.3.5.3). */
  #takeIllegal(): undefined {
    return this.#take({ exceptionClass: EXCEPTION_CLASS.illegalState, iss: 0 });
  }

  /** As `#resolve`, in whatever state. */
  #fetch(): number | undefined {
    const state = this.#state;
    const { level } = state;
    const pc = withoutTag(state.registers.get("tcr_el1"), state.pc);
    state.pc = pc;
    if ((pc & 3n) !== 0n) return this.#take({ exceptionClass: EXCEPTION_CLASS.pcAlignment, iss: 0, address: pc });
    const found = translateNow(state, pc, "execute", level === 0);
    if (!found.isFault && state.memory.host(found.address, 4) !== undefined) {
      return this.#code.place({ level, pc, physical: found.address, mappingBits: found.mappingBits });
    }
    const iss = found.isFault ? found.status : FAULT.external;
    const exceptionClass = level === 0 ? EXCEPTION_CLASS.instructionAbortLower : EXCEPTION_CLASS.instructionAbort;
    return this.#take({ exceptionClass, iss, address: pc });
  }
}
