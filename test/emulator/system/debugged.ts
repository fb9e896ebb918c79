/** What debug exceptions need of system registers (Arm ARM, D2 and D17.3). */
import { type Case, PSTATE } from "./program.ts";

export type SystemSettings = NonNullable<Case["system"]>;

/** MDSCR_EL1 (D17.3.20). */
export const MDSCR = { steps: 1n << 0n, atEl1: 1n << 13n, monitors: 1n << 15n } as const;
export const SINGLE_STEP = 1n << 21n;
const DEBUG_MASKED = 1n << 9n;
/** By exception level, with debug exceptions unmasked, which EL0 cannot mask. */
export const UNMASKED = { el0: PSTATE.el0, el1: PSTATE.el1 & ~DEBUG_MASKED } as const;
/** DBGWCR<n>_EL1: what is watched. */
export const WATCHES = { loads: 1n << 3n, stores: 1n << 4n, bytesShift: 5n, maskShift: 24n } as const;

/** Unlocked; no address is told of before. @param mdscr of MDSCR_EL1. */
export const settings = (mdscr: bigint, ...rest: SystemSettings): SystemSettings => [
  ["far_el1", 0n],
  ["oslar_el1", 0n],
  ...rest,
  ["mdscr_el1", mdscr],
];
