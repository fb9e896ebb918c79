/** Exceptions taken to EL1, and returned from (Arm ARM, D1.10). */
import { type ProcessorState, PSTATE } from "./state.ts";
import { EXCEPTION_CLASS, type Trap } from "./syndrome.ts";

/** From the base of the vectors, by where an exception comes from (table D1-5). */
const VECTOR = { stackOfEl0: 0n, stackOfLevel: 0x200n, lowerLevel: 0x400n } as const;

/** Leads to the vector of a synchronous exception. @param returnAddress for ELR_EL1. */
export function takeException(state: ProcessorState, { exceptionClass, iss, address }: Trap, returnAddress: bigint) {
  const { registers } = state;
  registers.set("esr_el1", (BigInt(exceptionClass) << 26n) | (1n << 25n) | BigInt(iss));
  if (address !== undefined) registers.set("far_el1", address);
  registers.set("spsr_el1", state.pstate);
  registers.set("elr_el1", returnAddress);
  const vector = state.level === 0 ? VECTOR.lowerLevel : state.stackOfLevel ? VECTOR.stackOfLevel : VECTOR.stackOfEl0;
  state.masks = PSTATE.masks;
  state.isIllegal = false;
  state.setLevel(1, true);
  state.pc = registers.get("vbar_el1") + vector;
}

/** ERET (D1.10.4, "Illegal return events from AArch64 state"). */
export function returnFromException(state: ProcessorState): void {
  state.clearExclusive();
  if (state.level === 0) {
    takeException(state, { exceptionClass: EXCEPTION_CLASS.unknown, iss: 0 }, state.pc);
    return;
  }
  const saved = state.registers.get("spsr_el1");
  state.pc = state.registers.get("elr_el1");
  const mode = saved & PSTATE.mode;
  if (mode === 0n || mode === 4n || mode === 5n) {
    state.pstate = saved;
    return;
  }
  state.nzcv = saved;
  state.masks = saved & PSTATE.masks;
  state.isIllegal = true;
}
