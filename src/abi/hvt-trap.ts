/**
 * What a guest's bindings leave behind a halt's cookie where a trap ended it: the registers that the trap found
 * (x86-64: Solo5 v0.12, `struct x86_trap_regs` of `tenders/hvt/hvt_cpu_x86_64.h`. AArch64, where upstream's bindings give no
 * cookie: x0 to x30, ELR, SPSR, ESR and SP, as `guests/bindings/hvt/trap_aarch64.c` keeps them).
 */
import type { GuestRange } from "../memory/guest-memory.ts";

const X86_64 = { rip: 16, cs: 24, rflags: 32, rsp: 40, ss: 48 } as const;
const AARCH64 = { x: 0, xCount: 31, elr: 31 * 8, spsr: 32 * 8, sp: 34 * 8 } as const;

/** @param cookie as `HvtStop` has it: as long as the ABI says. */
export function trapRegisters(architecture: "x86-64" | "aarch64", cookie: GuestRange): ReadonlyMap<string, bigint> {
  if (architecture === "x86-64") {
    return new Map(Object.entries(X86_64).map(([name, offset]) => [name, cookie.bigU64(offset)]));
  }
  const registers = new Map<string, bigint>();
  for (let number = 0; number < AARCH64.xCount; number++) {
    registers.set(`x${number}`, cookie.bigU64(AARCH64.x + number * 8));
  }
  registers.set("pc", cookie.bigU64(AARCH64.elr));
  registers.set("pstate", cookie.bigU64(AARCH64.spsr));
  return registers.set("sp", cookie.bigU64(AARCH64.sp));
}
