/** Which system registers an exception level reaches, and which of those of EL0 EL1 may trap (Arm ARM, D17). */
import { SYSTEM_REGISTERS, type SystemRegister, systemRegister } from "../instruction/system-register.ts";
import { READ_ONLY } from "./registers.ts";
import type { ProcessorState } from "./state.ts";

/** `reserved` reads zero. */
export type Reach = SystemRegister | "undefined" | "trapped" | "reserved";

/** SCTLR_EL1 (D17.2.118): what it does not let EL0 do traps. */
export const LETS_EL0 = {
  masks: 1n << 9n,
  zeroBlocks: 1n << 14n,
  cacheType: 1n << 15n,
  waitForInterrupt: 1n << 16n,
  waitForEvent: 1n << 18n,
  maintainCaches: 1n << 26n,
} as const;
/** CNTKCTL_EL1 (D17.8.15): the counters and timers that EL0 reaches. */
const COUNTERS = { physical: 1n << 0n, virtual: 1n << 1n, virtualTimer: 1n << 8n, physicalTimer: 1n << 9n } as const;

/** MDSCR_EL1 (D17.3.20): the channel to a debugger, which EL0 does not reach where the bit is set. */
const CHANNEL_TRAPS = 1n << 12n;

interface Rule {
  readonly register: "sctlr_el1" | "cntkctl_el1" | "mdscr_el1";
  readonly anyOf: bigint;
  /** Where the bits are set, EL0 is let, or is not. */
  readonly lets: boolean;
}
const rule = (register: Rule["register"], anyOf: bigint): Rule => ({ register, anyOf, lets: true });
const CHANNEL: Rule = { register: "mdscr_el1", anyOf: CHANNEL_TRAPS, lets: false };
const VIRTUAL_TIMER = rule("cntkctl_el1", COUNTERS.virtualTimer);
const PHYSICAL_TIMER = rule("cntkctl_el1", COUNTERS.physicalTimer);

/** Which of EL0's own registers may trap. */
const RULES: Partial<Record<SystemRegister, Rule>> = {
  daif: rule("sctlr_el1", LETS_EL0.masks),
  ctr_el0: rule("sctlr_el1", LETS_EL0.cacheType),
  cntfrq_el0: rule("cntkctl_el1", COUNTERS.physical | COUNTERS.virtual),
  cntpct_el0: rule("cntkctl_el1", COUNTERS.physical),
  cntvct_el0: rule("cntkctl_el1", COUNTERS.virtual),
  cntv_ctl_el0: VIRTUAL_TIMER,
  cntv_cval_el0: VIRTUAL_TIMER,
  cntv_tval_el0: VIRTUAL_TIMER,
  cntp_ctl_el0: PHYSICAL_TIMER,
  cntp_cval_el0: PHYSICAL_TIMER,
  cntp_tval_el0: PHYSICAL_TIMER,
  mdccsr_el0: CHANNEL,
  dbgdtr_el0: CHANNEL,
  dbgdtrrx_el0: CHANNEL,
};
const WRITTEN_BY_EL1_ALONE: ReadonlySet<SystemRegister> = new Set(["tpidrro_el0", "cntfrq_el0"]);
const WRITE_ONLY: ReadonlySet<SystemRegister> = new Set(["oslar_el1"]);
const USER_OP1 = 3;

/** Registers of identification that no name has: op0 3, op1 0, CRn 0, CRm 1 to 7 ("Reserved encodings", D17.1.3). */
function isReserved(encoding: number): boolean {
  return encoding >> 7 === 0b11_000_0000 && ((encoding >> 3) & 0xf) !== 0 && ((encoding >> 3) & 0xf) <= 7;
}

/** @param encoding as `systemRegisterKey` has it. */
export function reachOf(state: ProcessorState, encoding: number, writes: boolean): Reach {
  const register = systemRegister(encoding);
  if (register === undefined) return state.level === 1 && !writes && isReserved(encoding) ? "reserved" : "undefined";
  if (writes ? READ_ONLY.has(register) : WRITE_ONLY.has(register)) return "undefined";
  if (state.level === 1) return register;
  const op1 = (SYSTEM_REGISTERS[register] >> 11) & 7;
  if (op1 !== USER_OP1 || (writes && WRITTEN_BY_EL1_ALONE.has(register))) return "undefined";
  const decides = RULES[register];
  if (decides === undefined) return register;
  const isSet = (state.registers.get(decides.register) & decides.anyOf) !== 0n;
  return isSet === decides.lets ? register : "trapped";
}
