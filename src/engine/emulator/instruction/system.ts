/** System instructions (Arm ARM, C4.1.93 and C5). */
import { type Row, row } from "./row.ts";

/** Places in PSTATE that MSR (immediate) writes in ARMv8.0 (C6.2.229), by op1:op2. */
const PSTATE_FIELDS: ReadonlySet<number> = new Set([0b000_101, 0b011_110, 0b011_111]);

export const SYSTEM: readonly Row[] = [
  row("HINT", "11010101000000110010 CRm:4 op2:3 11111", "hint {hint:op2}"),
  row("CLREX", "11010101000000110011 CRm:4 010 11111", "clrex{clrex:CRm}"),
  row("DSB", "11010101000000110011 CRm:4 100 11111", "dsb {barrier:CRm}"),
  row("DMB", "11010101000000110011 CRm:4 101 11111", "dmb {barrier:CRm}"),
  row("ISB", "11010101000000110011 CRm:4 110 11111", "isb{isb:CRm}"),
  row("MSR (immediate)", "1101010100000 op1:3 0100 CRm:4 op2:3 11111", "msr {pstate:op1}, {hex:CRm}", ({ op1, op2 }) =>
    PSTATE_FIELDS.has((op1 << 3) | op2),
  ),
  row("SYS", "1101010100001 op1:3 CRn:4 CRm:4 op2:3 Rt:5", "sys {sys:op1}{sysRt:Rt}"),
  row("SYSL", "1101010100101 op1:3 CRn:4 CRm:4 op2:3 Rt:5", "sysl {x:Rt}, {sys:op1}"),
  row("MSR (register)", "11010101000 op0:2 op1:3 CRn:4 CRm:4 op2:3 Rt:5", "msr {sysreg:op0}, {x:Rt}", isRegister),
  row("MRS", "11010101001 op0:2 op1:3 CRn:4 CRm:4 op2:3 Rt:5", "mrs {x:Rt}, {sysreg:op0}", isRegister),
];

function isRegister({ op0 }: { readonly op0: number }): boolean {
  return op0 >= 2;
}
