/**
 * What a guest's bindings leave behind a halt's cookie where a trap ended it: the registers that the trap found
 * (Solo5 v0.12: `struct x86_trap_regs` of `tenders/hvt/hvt_cpu_x86_64.h`, the frame of `bindings/cpu_vectors_aarch64.S`).
 */
import type { GuestRange } from "../memory/guest-memory.ts";

const X86_64 = { rip: 16, cs: 24, rflags: 32, rsp: 40, ss: 48 } as const;
const AARCH64 = { x: 0, xCount: 31, elr: 31 * 8, spsr: 32 * 8, bytes: 512 } as const;

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
  // The frame lies on the stack that the trap found.
  return registers.set("sp", BigInt(cookie.address + AARCH64.bytes));
}
