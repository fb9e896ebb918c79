/** The generic timer (Arm ARM, D11). */
import type { SystemRegisters } from "./registers.ts";

const CONTROL = { enable: 1n, writable: 3n, isDue: 4n } as const;
export type Timer = "virtual" | "physical";
const CONTROLS = { virtual: "cntv_ctl_el0", physical: "cntp_ctl_el0" } as const;
const COMPARES = { virtual: "cntv_cval_el0", physical: "cntp_cval_el0" } as const;

export class GenericTimer {
  readonly counterHz: number;
  readonly #registers: SystemRegisters;
  readonly #nowNs: () => number;
  readonly #startNs: number;

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
    const value = this.#registers.get(CONTROLS[timer]) & CONTROL.writable;
    const isDue = (value & CONTROL.enable) !== 0n && this.counter() >= this.#registers.get(COMPARES[timer]);
    return value | (isDue ? CONTROL.isDue : 0n);
  }

  /** CNTV_TVAL_EL0 or CNTP_TVAL_EL0. */
  timerValue(timer: Timer): bigint {
    return BigInt.asUintN(32, this.#registers.get(COMPARES[timer]) - this.counter());
  }

  setTimerValue(timer: Timer, value: bigint): void {
    this.#registers.set(COMPARES[timer], this.counter() + BigInt.asIntN(32, value));
  }
}
