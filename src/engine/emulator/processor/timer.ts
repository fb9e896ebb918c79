/** The generic timer (Arm ARM, D11): a counter, and two timers whose outputs a host leads to its interrupt controller. */
import type { SystemRegisters } from "./registers.ts";

const CONTROL = { enable: 1n, mask: 2n, writable: 3n, isDue: 4n } as const;
export type Timer = "virtual" | "physical";
export const TIMERS = ["virtual", "physical"] as const satisfies readonly Timer[];
const CONTROLS = { virtual: "cntv_ctl_el0", physical: "cntp_ctl_el0" } as const;
const COMPARES = { virtual: "cntv_cval_el0", physical: "cntp_cval_el0" } as const;
/** CNTKCTL_EL1: events at each change of a bit of the counter, in one direction (D11.2.2). */
const EVENTS = { enable: 1n << 2n, falling: 1n << 3n, shift: 4n } as const;

/** Called when a timer's output changes. */
export type TimerListener = (timer: Timer, isHigh: boolean) => void;

export class GenericTimer {
  readonly counterHz: number;
  readonly #registers: SystemRegisters;
  readonly #nowNs: () => number;
  readonly #startNs: number;
  readonly #outputs: Record<Timer, boolean> = { virtual: false, physical: false };
  onOutput: TimerListener = () => {};

  /** @param nowNs of a clock that goes on evenly, in nanoseconds. */
  constructor(registers: SystemRegisters, counterHz: number, nowNs: () => number) {
    this.counterHz = counterHz;
    this.#registers = registers;
    this.#nowNs = nowNs;
    this.#startNs = nowNs();
  }

  counter(): bigint {
    return BigInt(Math.floor(((this.#nowNs() - this.#startNs) * this.counterHz) / 1e9));
  }

  /** CNTV_CTL_EL0 or CNTP_CTL_EL0. */
  control(timer: Timer): bigint {
    return this.#controlAt(timer, this.counter());
  }

  #controlAt(timer: Timer, counter: bigint): bigint {
    const value = this.#registers.get(CONTROLS[timer]) & CONTROL.writable;
    const isDue = (value & CONTROL.enable) !== 0n && counter >= this.#registers.get(COMPARES[timer]);
    return value | (isDue ? CONTROL.isDue : 0n);
  }

  /** CNTV_TVAL_EL0 or CNTP_TVAL_EL0. */
  timerValue(timer: Timer): bigint {
    return BigInt.asUintN(32, this.#registers.get(COMPARES[timer]) - this.counter());
  }

  setTimerValue(timer: Timer, value: bigint): void {
    this.#registers.set(COMPARES[timer], this.counter() + BigInt.asIntN(32, value));
  }

  output(timer: Timer): boolean {
    return this.#outputs[timer];
  }

  /** Brings the outputs to what the counter and the registers say now. */
  update(): void {
    if (TIMERS.every((timer) => !this.#isEnabled(timer) && !this.#outputs[timer])) return;
    const counter = this.counter();
    for (const timer of TIMERS) {
      const isHigh = this.#isEnabled(timer) && (this.#controlAt(timer, counter) & CONTROL.isDue) !== 0n;
      if (isHigh === this.#outputs[timer]) continue;
      this.#outputs[timer] = isHigh;
      this.onOutput(timer, isHigh);
    }
  }

  /** An output can become high. */
  #isEnabled(timer: Timer): boolean {
    return (this.#registers.get(CONTROLS[timer]) & CONTROL.writable) === CONTROL.enable;
  }

  /** Nanoseconds until an output that is low becomes high; undefined where none will. */
  nextOutputNs(): number | undefined {
    const counter = this.counter();
    const due = TIMERS.filter((timer) => this.#isEnabled(timer) && !this.#outputs[timer]).map((timer) =>
      this.#nsUntil(this.#registers.get(COMPARES[timer]) - counter),
    );
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** The counter's value at which the next event of the event stream is; undefined where CNTKCTL_EL1 has none. */
  nextEventCounter(): bigint | undefined {
    const control = this.#registers.get("cntkctl_el1");
    if ((control & EVENTS.enable) === 0n) return undefined;
    const bit = (control >> EVENTS.shift) & 0xfn;
    const period = 2n << bit;
    const offset = (control & EVENTS.falling) !== 0n ? 0n : period / 2n;
    const counter = this.counter();
    return counter + period - ((counter - offset + period) % period);
  }

  /** Nanoseconds until the counter has a value; 0 where it has passed it. */
  nsUntilCounter(value: bigint): number {
    return this.#nsUntil(value - this.counter());
  }

  #nsUntil(ticks: bigint): number {
    return ticks <= 0n ? 0 : Math.ceil((Number(ticks) * 1e9) / this.counterHz);
  }
}
