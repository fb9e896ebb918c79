/** System registers: what they read, what a write keeps and does (Arm ARM, D17). */
import type { SystemRegister } from "../instruction/system-register.ts";

/** What identifies the processor: no later extension than those that the instruction table has. */
const IDENTIFICATION: Partial<Record<SystemRegister, bigint>> = {
  // Implementer 0: "reserved for software use".
  midr_el1: 0x000f_0000n,
  mpidr_el1: 0x8000_0000n,
  revidr_el1: 0n,
  // EL0 and EL1 in AArch64 only; floating point and Advanced SIMD.
  id_aa64pfr0_el1: 0x11n,
  id_aa64pfr1_el1: 0n,
  id_aa64zfr0_el1: 0n,
  // The debug architecture of ARMv8.0: two breakpoints, of which one compares contexts, and two watchpoints.
  id_aa64dfr0_el1: 0x10_1006n,
  id_aa64dfr1_el1: 0n,
  id_aa64afr0_el1: 0n,
  id_aa64afr1_el1: 0n,
  // AES with PMULL, SHA1, SHA256, CRC32, LSE.
  id_aa64isar0_el1: 0x0021_1120n,
  id_aa64isar1_el1: 0n,
  id_aa64isar2_el1: 0n,
  // 40 bits of physical address, 16 of ASID, the 4 KiB granule alone.
  id_aa64mmfr0_el1: 0x0f00_0022n,
  id_aa64mmfr1_el1: 0n,
  id_aa64mmfr2_el1: 0n,
  aidr_el1: 0n,
  clidr_el1: 0n,
  ccsidr_el1: 0n,
  // Lines of 64 bytes; data need not be cleaned to become instructions (IDC), but what a device wrote needs IC (DIC).
  ctr_el0: 0x9444_c004n,
  // DC ZVA writes 64 bytes.
  dczid_el0: 4n,
  // A processor starts at 0.
  rvbar_el1: 0n,
  // There is no debugger outside: nothing comes from it, and what goes to it is lost.
  mdccsr_el0: 0n,
};

/** DBGBCR<n>_EL1: E, PMC, BAS, HMC, SSC, LBN, BT; DBGWCR<n>_EL1: E, PAC, LSC, BAS, HMC, SSC, LBN, WT, MASK. */
const BREAKPOINT_WRITABLE = 0xff_e1e7n;
const WATCHPOINT_WRITABLE = 0x1f1f_ffffn;

/** Bits that a register keeps of what is written; the others read zero. All bits where it is not listed. */
const WRITABLE: Partial<Record<SystemRegister, bigint>> = {
  cpacr_el1: 3n << 20n,
  spsr_el1: 0xf030_03dfn,
  esr_el1: 0xffff_ffffn,
  vbar_el1: ~0x7ffn,
  cntkctl_el1: 0x3ffn,
  contextidr_el1: 0xffff_ffffn,
  csselr_el1: 0xfn,
  mdscr_el1: (1n << 0n) | (1n << 12n) | (1n << 13n) | (1n << 15n),
  mdccint_el1: 0n,
  osdtrrx_el1: 0n,
  osdtrtx_el1: 0n,
  oseccr_el1: 0n,
  dbgdtr_el0: 0n,
  dbgdtrrx_el0: 0n,
  dbgbvr0_el1: ~3n,
  dbgbcr0_el1: BREAKPOINT_WRITABLE,
  dbgwvr0_el1: ~3n,
  dbgwcr0_el1: WATCHPOINT_WRITABLE,
  // A context is compared to all of the lower half.
  dbgbcr1_el1: BREAKPOINT_WRITABLE,
  dbgwvr1_el1: ~3n,
  dbgwcr1_el1: WATCHPOINT_WRITABLE,
  osdlr_el1: 1n,
  dbgprcr_el1: 1n,
  actlr_el1: 0n,
  amair_el1: 0n,
  afsr0_el1: 0n,
  afsr1_el1: 0n,
};

const bits = (...positions: readonly number[]) =>
  positions.reduce((set, position) => set | (1n << BigInt(position)), 0n);
/** SCTLR_EL1 (D17.2.118) without AArch32 and big-endian data: what reads one, and what can be written. */
const SCTLR_ONES = bits(29, 28, 23, 22, 20, 11, 8, 7);
const SCTLR_WRITABLE = bits(0, 1, 2, 3, 4, 9, 12, 14, 15, 16, 18, 19, 26);

/** DBGCLAIMSET_EL1 reads what tags there are, DBGCLAIMCLR_EL1 which of them are set. */
const CLAIM_TAGS = 0xffn;
/** OSLSR_EL1 (D17.3.24): the lock is held from the beginning. */
const OS_LOCK = { isThere: 1n << 3n, isHeld: 1n << 1n } as const;

export const READ_ONLY: ReadonlySet<SystemRegister> = new Set([
  ...(Object.keys(IDENTIFICATION) as SystemRegister[]),
  "currentel",
  "isr_el1",
  "mdrar_el1",
  "oslsr_el1",
  "dbgauthstatus_el1",
  "cntpct_el0",
  "cntvct_el0",
]);
/** The registers that are plain values. */
export class SystemRegisters {
  readonly #values = new Map<SystemRegister, bigint>();

  constructor(counterHz: number) {
    this.#values.set("cntfrq_el0", BigInt(counterHz));
    this.#values.set("sctlr_el1", SCTLR_ONES);
    this.#values.set("oslsr_el1", OS_LOCK.isThere | OS_LOCK.isHeld);
    this.#values.set("dbgclaimset_el1", CLAIM_TAGS);
  }

  get(register: SystemRegister): bigint {
    return this.#values.get(register) ?? IDENTIFICATION[register] ?? 0n;
  }

  set(register: SystemRegister, value: bigint): void {
    switch (register) {
      case "oslar_el1":
        this.#values.set("oslsr_el1", OS_LOCK.isThere | ((value & 1n) !== 0n ? OS_LOCK.isHeld : 0n));
        break;
      case "dbgclaimset_el1":
        this.#values.set("dbgclaimclr_el1", this.get("dbgclaimclr_el1") | (value & CLAIM_TAGS));
        break;
      case "dbgclaimclr_el1":
        this.#values.set(register, this.get(register) & ~value);
        break;
      case "sctlr_el1":
        this.#values.set(register, (value & SCTLR_WRITABLE) | SCTLR_ONES);
        break;
      default:
        this.#values.set(register, BigInt.asUintN(64, value & (WRITABLE[register] ?? -1n)));
    }
  }
}
