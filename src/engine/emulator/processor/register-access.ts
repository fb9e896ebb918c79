/** MRS, MSR (register) and MSR (immediate): what reading and writing a system register does beside its value. */
import { updateFloatLimits } from "../float/limits.ts";
import { STATE } from "../layout.ts";
import { reachableRegister } from "./registers.ts";
import { type ProcessorState, PSTATE } from "./state.ts";
import { EXCEPTION_CLASS, ISS_ANY_CONDITION } from "./syndrome.ts";
import type { GenericTimer } from "./timer.ts";

const FPCR_WRITABLE = 0x07c0_0000n;
const FPSR_WRITABLE = 0x0800_009fn;
/** Places that MSR (immediate) writes, by op1:op2. */
const FIELD = { stack: 5, set: 30 } as const;

type WrittenRegister = Parameters<ProcessorState["registers"]["set"]>[0];

export class RegisterAccess {
  readonly #state: ProcessorState;
  readonly #timer: GenericTimer;

  constructor(state: ProcessorState, timer: GenericTimer) {
    this.#state = state;
    this.#timer = timer;
  }

  /** Writes a register as MSR at EL1 does. */
  set(register: WrittenRegister, value: bigint): void {
    const state = this.#state;
    state.registers.set(register, value);
    state.useLevel();
    state.memory.forgetTranslations();
  }

  /** As `readSystemRegister` of the host functions. */
  read(encoding: number): number {
    const state = this.#state;
    const register = reachableRegister(encoding, false, state.level);
    if (register === undefined) return state.undefinedInstruction();
    if (register === "sp_el0" && state.stackInUse === 0) return state.undefinedInstruction();
    if ((register === "fpcr" || register === "fpsr") && this.#vectorsTrap()) return 1;
    state.view.setBigUint64(STATE.detail, BigInt.asUintN(64, this.#value(register)), true);
    return 0;
  }

  #value(register: NonNullable<ReturnType<typeof reachableRegister>>): bigint {
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
      case "fpcr":
        return BigInt(state.view.getUint32(STATE.fpcr, true));
      case "fpsr":
        return BigInt(state.view.getUint32(STATE.fpsr, true));
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

  #vectorsTrap(): boolean {
    if (!this.#state.vectorsTrap) return false;
    this.#state.trap = { exceptionClass: EXCEPTION_CLASS.vectors, iss: ISS_ANY_CONDITION };
    return true;
  }

  /** As `writeSystemRegister` of the host functions. */
  write(encoding: number, value: bigint): number {
    const state = this.#state;
    const register = reachableRegister(encoding, true, state.level);
    if (register === undefined) return state.undefinedInstruction();
    switch (register) {
      case "nzcv":
        state.nzcv = value;
        return 0;
      case "daif":
        state.masks = value & PSTATE.masks;
        return 0;
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
        this.#timer.setTimerValue("virtual", value);
        return 0;
      case "cntp_tval_el0":
        this.#timer.setTimerValue("physical", value);
        return 0;
      case "sctlr_el1":
      case "tcr_el1":
      case "ttbr0_el1":
      case "ttbr1_el1":
      case "mair_el1":
      case "cpacr_el1":
        this.set(register, value);
        return 0;
      default:
        state.registers.set(register, value);
        return 0;
    }
  }

  /** As `writeProcessorState` of the host functions. EL0 has none, but where SCTLR_EL1.UMA lets it mask. */
  writeProcessorState(field: number, value: number): number {
    const state = this.#state;
    if (state.level === 0) return state.undefinedInstruction();
    const masks = BigInt(value) << 6n;
    if (field === FIELD.stack) state.setLevel(1, (value & 1) === 1);
    else state.masks = field === FIELD.set ? state.masks | masks : state.masks & ~masks;
    return 0;
  }
}
