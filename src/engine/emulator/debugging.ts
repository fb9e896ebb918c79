/** What a debugger asks of the emulator: breakpoints are BRK instructions, which stand in the guest's memory while it runs. */
import { guestAddress } from "../../memory/address.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { DebugControl, DebugLimits } from "../engine.ts";

/** BRK #0 (Arm ARM, DDI 0487, C6.2.40), little-endian. */
const BREAKPOINT_INSTRUCTION = Uint8Array.of(0x00, 0x00, 0x20, 0xd4);
/** As many as an Armv8 processor has at most (D2.1). */
const EXECUTE_MAX = 16;

/** Nothing watches data. */
export const DEBUG_LIMITS: DebugLimits = {
  breakpointInstruction: BREAKPOINT_INSTRUCTION,
  executeMax: EXECUTE_MAX,
  dataMax: 0,
  totalMax: EXECUTE_MAX,
};

export const NO_DEBUGGING: DebugControl = { step: false, breakpointInstruction: false, hardware: [] };

/** Whether BRK is a debugger's, and no exception. */
export function stopsAtBreakpoints({ breakpointInstruction, hardware }: DebugControl): boolean {
  return breakpointInstruction || hardware.length > 0;
}

/**
 * Runs with breakpoint instructions at what the debugger gave as the processor's own breakpoints.
 * @param written makes a change of instructions known to the processor.
 */
export function withBreakpoints<Result>(
  { hardware }: DebugControl,
  memory: GuestMemory,
  written: (address: number, bytes: number) => void,
  run: () => Result,
): Result {
  const replaced = hardware.map(({ address }) => {
    const range = memory.own(guestAddress(Number(address)), BREAKPOINT_INSTRUCTION.length);
    return { range, before: range.bytes.slice() };
  });
  const put = (content: (before: Uint8Array) => Uint8Array) => {
    for (const { range, before } of replaced) {
      range.bytes.set(content(before));
      written(range.address, range.length);
    }
  };
  put(() => BREAKPOINT_INSTRUCTION);
  try {
    return run();
  } finally {
    put((before) => before);
  }
}
