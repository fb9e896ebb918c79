/** Where control goes after an instruction, and which instructions the translator leaves to the interpreter. */
import { type Fields, signed } from "../instruction/row.ts";

/** Offsets are in bytes from the instruction. */
export type Flow =
  | { readonly kind: "next" }
  | { readonly kind: "jump"; readonly offset: number }
  /** Goes there or on. */
  | { readonly kind: "branch"; readonly offset: number }
  /** Goes on once the called function returns. */
  | { readonly kind: "call"; readonly offset: number }
  | { readonly kind: "indirect call" }
  | { readonly kind: "indirect" }
  /** The interpreter runs the instruction and what follows. */
  | { readonly kind: "leave" };

/**
 * Rows that are never translated. What they do goes through TypeScript, and most of it changes what translated code relies on:
 * the exception level, system registers, translations of addresses. Accesses with the rights of EL0 use its translations.
 */
export const NEVER_TRANSLATED: ReadonlySet<string> = new Set([
  "BRK",
  "DCPS1",
  "DCPS2",
  "DCPS3",
  "DRPS",
  "ERET",
  "HLT",
  "HVC",
  "ISB",
  "MRS",
  "MSR (immediate)",
  "MSR (register)",
  "SMC",
  "SVC",
  "SYS",
  "SYSL",
  "LDR (32-bit), unprivileged",
  "LDR (64-bit), unprivileged",
  "LDRB, unprivileged",
  "LDRH, unprivileged",
  "LDRSB (32-bit), unprivileged",
  "LDRSB (64-bit), unprivileged",
  "LDRSH (32-bit), unprivileged",
  "LDRSH (64-bit), unprivileged",
  "LDRSW, unprivileged",
  "STR (32-bit), unprivileged",
  "STR (64-bit), unprivileged",
  "STRB, unprivileged",
  "STRH, unprivileged",
]);

/** WFE, WFI, SEV and SEVL (C6.2.111). */
const EVENT_HINTS: ReadonlySet<number> = new Set([2, 3, 4, 5]);
const NEXT: Flow = { kind: "next" };
const LEAVE: Flow = { kind: "leave" };

function offsetOf(fields: Fields, name: string, bits: number): number {
  return 4 * signed(fields[name] ?? 0, bits);
}

/** @param name of the instruction's row. */
export function flowOf(name: string, fields: Fields): Flow {
  switch (name) {
    case "B":
      return { kind: "jump", offset: offsetOf(fields, "imm26", 26) };
    case "BL":
      return { kind: "call", offset: offsetOf(fields, "imm26", 26) };
    case "B.cond":
    case "CBZ":
    case "CBNZ":
      return { kind: "branch", offset: offsetOf(fields, "imm19", 19) };
    case "TBZ":
    case "TBNZ":
      return { kind: "branch", offset: offsetOf(fields, "imm14", 14) };
    case "BR":
    case "RET":
      return { kind: "indirect" };
    case "BLR":
      return { kind: "indirect call" };
    case "HINT":
      return EVENT_HINTS.has(8 * (fields["CRm"] ?? 0) + (fields["op2"] ?? 0)) ? LEAVE : NEXT;
    default:
      return NEVER_TRANSLATED.has(name) ? LEAVE : NEXT;
  }
}
