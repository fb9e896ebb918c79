/** What ESR_EL1 tells of exceptions (Arm ARM, D17.2.37). */

export const EXCEPTION_CLASS = {
  unknown: 0x00,
  waitInstruction: 0x01,
  vectors: 0x07,
  illegalState: 0x0e,
  svc: 0x15,
  systemRegister: 0x18,
  instructionAbortLower: 0x20,
  instructionAbort: 0x21,
  pcAlignment: 0x22,
  dataAbortLower: 0x24,
  dataAbort: 0x25,
  stackAlignment: 0x26,
  breakpointLower: 0x30,
  breakpoint: 0x31,
  softwareStepLower: 0x32,
  softwareStep: 0x33,
  watchpointLower: 0x34,
  watchpoint: 0x35,
  brk: 0x3c,
} as const;

/** Fault status codes; those of a walk have the level in bits 1 and 0. */
export const FAULT = {
  addressSize: 0x00,
  translation: 0x04,
  accessFlag: 0x08,
  permission: 0x0c,
  external: 0x10,
  externalOnWalk: 0x14,
  alignment: 0x21,
} as const;

/** Of a data abort: the access was a write. */
export const ISS_WRITE = 1 << 6;
/** Of a data abort: of a cache maintenance instruction, DC ZVA not among them. */
export const ISS_CACHE_MAINTENANCE = 1 << 8;

/** Of what conditional instructions of AArch32 make too: the condition is valid, and always. */
export const ISS_ANY_CONDITION = (1 << 24) | (0xe << 20);

/** Of MRS, MSR, SYS and SYSL that trap. @param word the instruction. */
export function systemAccessIss(word: number): number {
  const bits = (shift: number, width: number) => (word >>> shift) & (2 ** width - 1);
  const [op0, op1, crn, crm, op2, rt, reads] = [
    bits(19, 2),
    bits(16, 3),
    bits(12, 4),
    bits(8, 4),
    bits(5, 3),
    bits(0, 5),
    bits(21, 1),
  ];
  return (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (rt << 5) | (crm << 1) | reads;
}

/** An exception that an instruction makes. */
export interface Trap {
  readonly exceptionClass: number;
  readonly iss: number;
  /** For FAR_EL1, where the exception has one. */
  readonly address?: bigint;
}
