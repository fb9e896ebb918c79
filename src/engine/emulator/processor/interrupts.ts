/** Interrupts: the processor's input lines, and exceptions taken for them (Arm ARM, D1.3.5). */
import { takeInterruptAt } from "./exceptions.ts";
import { type ProcessorState, PSTATE } from "./state.ts";

export type InterruptLine = "irq" | "fiq";

/** At their places in PSTATE and ISR_EL1. */
const LINE_BITS = { irq: 1n << 7n, fiq: 1n << 6n } as const;

export class Interrupts {
  readonly #state: ProcessorState;
  #pending = 0n;

  constructor(state: ProcessorState) {
    this.#state = state;
  }

  setLine(line: InterruptLine, isHigh: boolean): void {
    this.#pending = isHigh ? this.#pending | LINE_BITS[line] : this.#pending & ~LINE_BITS[line];
  }

  /** Of lines that are high, masked or not: as ISR_EL1 has them. */
  get pending(): bigint {
    return this.#pending;
  }

  /** Whether an exception is to be taken for a line before the next instruction. */
  get isTakeable(): boolean {
    return (this.#pending & ~this.#state.masks & PSTATE.masks) !== 0n;
  }

  /** Takes the exception that is due, of FIQ before IRQ. */
  take(): void {
    const takeable = this.#pending & ~this.#state.masks;
    takeInterruptAt(this.#state, (takeable & LINE_BITS.fiq) !== 0n ? "fiq" : "irq");
  }
}
