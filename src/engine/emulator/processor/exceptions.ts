/** Exceptions taken to EL1, and returned from (Arm ARM, D1.10). */
import type { DebugMonitor } from "./debug.ts";
import { type ProcessorState, PSTATE } from "./state.ts";
import { EXCEPTION_CLASS, type Trap } from "./syndrome.ts";

/** From the base of the vectors, by where an exception comes from and what it is (table D1-5). */
const SOURCE = { stackOfEl0: 0n, stackOfLevel: 0x200n, lowerLevel: 0x400n } as const;
const KIND = { synchronous: 0n, irq: 0x80n, fiq: 0x100n } as const;
const ESR_LONG_INSTRUCTION = 1n << 25n;

/** Leads to the vector of a synchronous exception. @param returnAddress for ELR_EL1. */
export function takeException(state: ProcessorState, { exceptionClass, iss, address }: Trap, returnAddress: bigint) {
  const { registers } = state;
  registers.set("esr_el1", (BigInt(exceptionClass) << 26n) | ESR_LONG_INSTRUCTION | BigInt(iss));
  if (address !== undefined) registers.set("far_el1", address);
  enter(state, "synchronous", returnAddress);
}

/** Leads to the vector of an interrupt, before the instruction at `pc`. */
export function takeInterruptAt(state: ProcessorState, line: "irq" | "fiq"): void {
  enter(state, line, state.pc);
}

function enter(state: ProcessorState, kind: keyof typeof KIND, returnAddress: bigint): void {
  const { registers } = state;
  registers.set("spsr_el1", state.pstate);
  registers.set("elr_el1", returnAddress);
  const source = state.level === 0 ? SOURCE.lowerLevel : state.stackOfLevel ? SOURCE.stackOfLevel : SOURCE.stackOfEl0;
  state.masks = PSTATE.masks;
  state.isIllegal = false;
  state.singleStep = false;
  state.exceptionCount++;
  state.setLevel(1, true);
  state.pc = registers.get("vbar_el1") + source + KIND[kind];
}

/** ERET (D1.10.4, "Illegal return events from AArch64 state"). */
export function returnFromException(state: ProcessorState, debug: DebugMonitor): void {
  if (state.level === 0) {
    takeException(state, { exceptionClass: EXCEPTION_CLASS.unknown, iss: 0 }, state.pc);
    return;
  }
  state.clearExclusive();
  state.hasEvent = true;
  const saved = state.registers.get("spsr_el1");
  state.pc = state.registers.get("elr_el1");
  const mode = saved & PSTATE.mode;
  const isLegal = mode === 0n || mode === 4n || mode === 5n;
  const singleStep = debug.stepsAfterReturn(saved, isLegal && mode === 0n ? 0 : 1);
  if (isLegal) state.pstate = saved;
  else {
    state.nzcv = saved;
    state.masks = saved & PSTATE.masks;
    state.isIllegal = true;
  }
  state.singleStep = singleStep;
}
