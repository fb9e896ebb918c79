/** The loop that enters generated code, and does what it came back for. */
import { STATE } from "../layout.ts";
import { EXIT } from "../semantics/operation.ts";
import { translateNow } from "./address-space.ts";
import type { CodeRecords } from "./code.ts";
import { returnFromException, takeException } from "./exceptions.ts";
import type { ProcessorState } from "./state.ts";
import { EXCEPTION_CLASS, FAULT, ISS_ANY_CONDITION, type Trap } from "./syndrome.ts";

export type ProcessorStop = "stopped" | "budget" | "wait";

export class Execution {
  readonly #state: ProcessorState;
  readonly #code: CodeRecords;

  constructor(state: ProcessorState, code: CodeRecords) {
    this.#state = state;
    this.#code = code;
  }

  get #view(): DataView {
    return this.#state.view;
  }

  /** Runs until the budget of branches backwards and exceptions is used, or something stops it. */
  run(budget: number): ProcessorStop {
    this.#view.setInt32(STATE.budget, budget, true);
    for (;;) {
      const record = this.#resolve();
      const stop = record === undefined ? undefined : this.#runFrom(record);
      if (stop !== undefined) return stop;
      if (this.#spend() <= 0) return "budget";
    }
  }

  /** @returns as `#leave` does, with `pc` where the instructions came back. */
  #runFrom(first: number): ProcessorStop | undefined {
    const code = this.#code;
    for (let record = first; ; code.decodeRun(record)) {
      const reason = code.enter(record);
      record = this.#view.getUint32(STATE.record, true);
      if (reason === EXIT.decode) continue;
      this.#state.pc = reason === EXIT.target ? this.#view.getBigUint64(STATE.target, true) : code.pcOf(record);
      return this.#leave(reason);
    }
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
      case EXIT.budget:
        return "budget";
      case EXIT.wait:
        return "wait";
      case EXIT.access:
      case EXIT.system: {
        const { trap } = state;
        state.trap = undefined;
        if (trap === undefined) return "stopped";
        return this.#take(trap);
      }
      case EXIT.svc:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.svc, iss: this.#detail() }, state.pc + 4n);
      case EXIT.brk:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.brk, iss: this.#detail() });
      case EXIT.vectorTrap:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.vectors, iss: ISS_ANY_CONDITION });
      case EXIT.eret:
        returnFromException(state);
        return undefined;
      default:
        return this.#take({ exceptionClass: EXCEPTION_CLASS.unknown, iss: 0 });
    }
  }

  #take(trap: Trap, returnAddress = this.#state.pc): undefined {
    takeException(this.#state, trap, returnAddress);
    return undefined;
  }

  #detail(): number {
    return this.#view.getUint32(STATE.detail, true);
  }

  /** The record of the instruction at `pc`; undefined where that faults, with `pc` at the vector then. */
  #resolve(): number | undefined {
    const state = this.#state;
    const { pc, level } = state;
    if (state.isIllegal) return this.#take({ exceptionClass: EXCEPTION_CLASS.illegalState, iss: 0 });
    if ((pc & 3n) !== 0n) return this.#take({ exceptionClass: EXCEPTION_CLASS.pcAlignment, iss: 0, address: pc });
    const found = translateNow(state, pc, "execute", level === 0);
    if (!found.isFault && state.memory.host(found.address, 4) !== undefined) return this.#code.place(pc, found.address);
    const iss = found.isFault ? found.status : FAULT.external;
    const exceptionClass = level === 0 ? EXCEPTION_CLASS.instructionAbortLower : EXCEPTION_CLASS.instructionAbort;
    return this.#take({ exceptionClass, iss, address: pc });
  }
}
