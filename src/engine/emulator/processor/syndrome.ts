/** What ESR_EL1 tells of exceptions (Arm ARM, D17.2.37). */

export const EXCEPTION_CLASS = {
  unknown: 0x00,
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
  brk: 0x3c,
} as const;

/** Fault status codes; those of a walk have the level in bits 1 and 0. */
export const FAULT = {
  addressSize: 0x00,
  translation: 0x04,
  accessFlag: 0x08,
  permission: 0x0c,
  external: 0x10,
  alignment: 0x21,
} as const;

/** Of a data abort: the access was a write. */
export const ISS_WRITE = 1 << 6;
/** Of a data abort: of a cache maintenance or address translation instruction. */
export const ISS_CACHE_MAINTENANCE = 1 << 8;

/** Of what conditional instructions of AArch32 make too: the condition is valid, and always. */
export const ISS_ANY_CONDITION = (1 << 24) | (0xe << 20);

/** An exception that an instruction makes. */
export interface Trap {
  readonly exceptionClass: number;
  readonly iss: number;
  /** For FAR_EL1, where the exception has one. */
  readonly address?: bigint;
}
