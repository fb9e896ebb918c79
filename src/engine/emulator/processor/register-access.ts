/** MRS, MSR (register) and MSR (immediate): what reading and writing a system register does beside its value. */
import { updateFloatLimits } from "../float/limits.ts";
import type { SystemRegister } from "../instruction/system-register.ts";
import { STATE } from "../layout.ts";
import { DEBUGGING, type DebugMonitor } from "./debug.ts";
import type { Interrupts } from "./interrupts.ts";
import { LETS_EL0, reachOf } from "./reach.ts";
import { type ProcessorState, PSTATE } from "./state.ts";
import { EXCEPTION_CLASS, ISS_ANY_CONDITION } from "./syndrome.ts";
import type { GenericTimer } from "./timer.ts";

const FPCR_WRITABLE = 0x07c0_0000n;
const FPSR_WRITABLE = 0x0800_009fn;
/** Places that MSR (immediate) writes, by op1:op2. */
const FIELD = { stack: 5, set: 30 } as const;
/** What decides on translations. */
const TRANSLATING: ReadonlySet<SystemRegister> = new Set([
  "sctlr_el1",
  "tcr_el1",
  "ttbr0_el1",
  "ttbr1_el1",
  "mair_el1",
]);
const ZERO_BLOCKS_PROHIBITED = 1n << 4n;

export class RegisterAccess {
  readonly #state: ProcessorState;
  readonly #timer: GenericTimer;
  readonly #interrupts: Interrupts;
  readonly #debug: DebugMonitor;

  constructor(state: ProcessorState, timer: GenericTimer, interrupts: Interrupts, debug: DebugMonitor) {
    this.#state = state;
    this.#timer = timer;
    this.#interrupts = interrupts;
    this.#debug = debug;
  }

  /** Writes a register as MSR at EL1 does. */
  set(register: SystemRegister, value: bigint): void {
    const state = this.#state;
    const before = state.registers.get(register);
    state.registers.set(register, value);
    if (TRANSLATING.has(register) && state.registers.get(register) !== before) state.memory.translations.forgetAll();
    if (DEBUGGING.has(register) && this.#debug.update()) state.memory.translations.forgetAll();
    if (register === "cpacr_el1") state.useLevel();
    if (register.startsWith("cnt")) this.#timer.update();
  }

  /** As `readSystemRegister` of the host functions. */
  read(encoding: number): number {
    const state = this.#state;
    const register = reachOf(state, encoding, false);
    if (register === "undefined") return state.undefinedInstruction();
    if (register === "trapped") return state.trappedSystemAccess();
    if (register === "sp_el0" && state.stackInUse === 0) return state.undefinedInstruction();
    if ((register === "fpcr" || register === "fpsr") && this.#vectorsTrap()) return 1;
    const value = register === "reserved" ? 0n : this.#value(register);
    state.view.setBigUint64(STATE.detail, BigInt.asUintN(64, value), true);
    return 0;
  }

  #value(register: SystemRegister): bigint {
    const state = this.#state;
    const timer = this.#timer;
    switch (register) {
      case "nzcv":
        return state.nzcv;
      case "daif":
        return state.masks;
      case "spsel":
        return state.stackOfLevel ? 1n : 0n;
      case "currentel":
        return BigInt(state.level) << 2n;
      case "sp_el0":
        return state.otherStackPointer;
      case "isr_el1":
        return this.#interrupts.pending;
      case "fpcr":
        return BigInt(state.view.getUint32(STATE.fpcr, true));
      case "fpsr":
        return BigInt(state.view.getUint32(STATE.fpsr, true));
      case "dczid_el0":
        return state.registers.get(register) | (this.#letsZeroBlocks() ? 0n : ZERO_BLOCKS_PROHIBITED);
      case "cntvct_el0":
      case "cntpct_el0":
        return timer.counter();
      case "cntv_tval_el0":
        return timer.timerValue("virtual");
      case "cntp_tval_el0":
        return timer.timerValue("physical");
      case "cntv_ctl_el0":
        return timer.control("virtual");
      case "cntp_ctl_el0":
        return timer.control("physical");
      default:
        return state.registers.get(register);
    }
  }

  #letsZeroBlocks(): boolean {
    return this.#state.level === 1 || (this.#state.registers.get("sctlr_el1") & LETS_EL0.zeroBlocks) !== 0n;
  }

  #vectorsTrap(): boolean {
    if (!this.#state.vectorsTrap) return false;
    this.#state.trap = { exceptionClass: EXCEPTION_CLASS.vectors, iss: ISS_ANY_CONDITION };
    return true;
  }

  /** As `writeSystemRegister` of the host functions. */
  write(encoding: number, value: bigint): number {
    const state = this.#state;
    const register = reachOf(state, encoding, true);
    if (register === "undefined" || register === "reserved") return state.undefinedInstruction();
    if (register === "trapped") return state.trappedSystemAccess();
    switch (register) {
      case "nzcv":
        state.nzcv = value;
        return 0;
      case "daif":
        state.masks = value & PSTATE.masks;
        return this.#leaveForInterrupt();
      case "spsel":
        state.setLevel(state.level, (value & 1n) !== 0n);
        return 0;
      case "sp_el0":
        if (state.stackInUse === 0) return state.undefinedInstruction();
        state.otherStackPointer = value;
        return 0;
      case "fpcr":
      case "fpsr": {
        if (this.#vectorsTrap()) return 1;
        const isControl = register === "fpcr";
        const kept = Number(value & (isControl ? FPCR_WRITABLE : FPSR_WRITABLE));
        state.view.setUint32(isControl ? STATE.fpcr : STATE.fpsr, kept, true);
        updateFloatLimits(state.view);
        return 0;
      }
      case "cntv_tval_el0":
      case "cntp_tval_el0":
        this.#timer.setTimerValue(register === "cntv_tval_el0" ? "virtual" : "physical", value);
        this.#timer.update();
        return this.#leaveForInterrupt();
      default:
        this.set(register, value);
        return this.#leaveForInterrupt();
    }
  }

  /** As `writeProcessorState` of the host functions. EL0 has none, but where SCTLR_EL1.UMA lets it mask. */
  writeProcessorState(field: number, value: number): number {
    const state = this.#state;
    if (field === FIELD.stack) {
      if (state.level === 0) return state.undefinedInstruction();
      state.setLevel(1, (value & 1) === 1);
      return 0;
    }
    if (state.level === 0 && (state.registers.get("sctlr_el1") & LETS_EL0.masks) === 0n) {
      return state.trappedSystemAccess();
    }
    const masks = BigInt(value) << 6n;
    state.masks = field === FIELD.set ? state.masks | masks : state.masks & ~masks;
    return this.#leaveForInterrupt();
  }

  /** 1 where the instruction, which is complete, may be the last before an exception. */
  #leaveForInterrupt(): number {
    return this.#interrupts.isTakeable || this.#debug.isActive ? 1 : 0;
  }
}
