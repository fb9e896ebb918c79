/** System registers by their encoding in MSR and MRS (Arm ARM, D17). */

/** op0, op1, CRn, CRm, op2 in the order of the instruction's bits 20 to 5. */
export function systemRegisterKey(op0: number, op1: number, crn: number, crm: number, op2: number): number {
  return (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
}

const key = systemRegisterKey;

/** Every register that the emulator has; the others trap. */
export const SYSTEM_REGISTERS = {
  osdtrrx_el1: key(2, 0, 0, 0, 2),
  mdccint_el1: key(2, 0, 0, 2, 0),
  mdscr_el1: key(2, 0, 0, 2, 2),
  dbgbvr0_el1: key(2, 0, 0, 0, 4),
  dbgbcr0_el1: key(2, 0, 0, 0, 5),
  dbgwvr0_el1: key(2, 0, 0, 0, 6),
  dbgwcr0_el1: key(2, 0, 0, 0, 7),
  dbgbvr1_el1: key(2, 0, 0, 1, 4),
  dbgbcr1_el1: key(2, 0, 0, 1, 5),
  dbgwvr1_el1: key(2, 0, 0, 1, 6),
  dbgwcr1_el1: key(2, 0, 0, 1, 7),
  osdtrtx_el1: key(2, 0, 0, 3, 2),
  oseccr_el1: key(2, 0, 0, 6, 2),
  mdrar_el1: key(2, 0, 1, 0, 0),
  oslar_el1: key(2, 0, 1, 0, 4),
  oslsr_el1: key(2, 0, 1, 1, 4),
  osdlr_el1: key(2, 0, 1, 3, 4),
  dbgprcr_el1: key(2, 0, 1, 4, 4),
  dbgclaimset_el1: key(2, 0, 7, 8, 6),
  dbgclaimclr_el1: key(2, 0, 7, 9, 6),
  dbgauthstatus_el1: key(2, 0, 7, 14, 6),
  mdccsr_el0: key(2, 3, 0, 1, 0),
  dbgdtr_el0: key(2, 3, 0, 4, 0),
  /** DBGDTRTX_EL0 where it is written. */
  dbgdtrrx_el0: key(2, 3, 0, 5, 0),
  midr_el1: key(3, 0, 0, 0, 0),
  mpidr_el1: key(3, 0, 0, 0, 5),
  revidr_el1: key(3, 0, 0, 0, 6),
  id_aa64pfr0_el1: key(3, 0, 0, 4, 0),
  id_aa64pfr1_el1: key(3, 0, 0, 4, 1),
  id_aa64zfr0_el1: key(3, 0, 0, 4, 4),
  id_aa64dfr0_el1: key(3, 0, 0, 5, 0),
  id_aa64dfr1_el1: key(3, 0, 0, 5, 1),
  id_aa64afr0_el1: key(3, 0, 0, 5, 4),
  id_aa64afr1_el1: key(3, 0, 0, 5, 5),
  id_aa64isar0_el1: key(3, 0, 0, 6, 0),
  id_aa64isar1_el1: key(3, 0, 0, 6, 1),
  id_aa64isar2_el1: key(3, 0, 0, 6, 2),
  id_aa64mmfr0_el1: key(3, 0, 0, 7, 0),
  id_aa64mmfr1_el1: key(3, 0, 0, 7, 1),
  id_aa64mmfr2_el1: key(3, 0, 0, 7, 2),
  sctlr_el1: key(3, 0, 1, 0, 0),
  actlr_el1: key(3, 0, 1, 0, 1),
  cpacr_el1: key(3, 0, 1, 0, 2),
  ttbr0_el1: key(3, 0, 2, 0, 0),
  ttbr1_el1: key(3, 0, 2, 0, 1),
  tcr_el1: key(3, 0, 2, 0, 2),
  spsr_el1: key(3, 0, 4, 0, 0),
  elr_el1: key(3, 0, 4, 0, 1),
  sp_el0: key(3, 0, 4, 1, 0),
  spsel: key(3, 0, 4, 2, 0),
  currentel: key(3, 0, 4, 2, 2),
  afsr0_el1: key(3, 0, 5, 1, 0),
  afsr1_el1: key(3, 0, 5, 1, 1),
  esr_el1: key(3, 0, 5, 2, 0),
  far_el1: key(3, 0, 6, 0, 0),
  par_el1: key(3, 0, 7, 4, 0),
  mair_el1: key(3, 0, 10, 2, 0),
  amair_el1: key(3, 0, 10, 3, 0),
  vbar_el1: key(3, 0, 12, 0, 0),
  rvbar_el1: key(3, 0, 12, 0, 1),
  isr_el1: key(3, 0, 12, 1, 0),
  contextidr_el1: key(3, 0, 13, 0, 1),
  tpidr_el1: key(3, 0, 13, 0, 4),
  cntkctl_el1: key(3, 0, 14, 1, 0),
  ccsidr_el1: key(3, 1, 0, 0, 0),
  clidr_el1: key(3, 1, 0, 0, 1),
  aidr_el1: key(3, 1, 0, 0, 7),
  csselr_el1: key(3, 2, 0, 0, 0),
  ctr_el0: key(3, 3, 0, 0, 1),
  dczid_el0: key(3, 3, 0, 0, 7),
  nzcv: key(3, 3, 4, 2, 0),
  daif: key(3, 3, 4, 2, 1),
  fpcr: key(3, 3, 4, 4, 0),
  fpsr: key(3, 3, 4, 4, 1),
  tpidr_el0: key(3, 3, 13, 0, 2),
  tpidrro_el0: key(3, 3, 13, 0, 3),
  cntfrq_el0: key(3, 3, 14, 0, 0),
  cntpct_el0: key(3, 3, 14, 0, 1),
  cntvct_el0: key(3, 3, 14, 0, 2),
  cntp_tval_el0: key(3, 3, 14, 2, 0),
  cntp_ctl_el0: key(3, 3, 14, 2, 1),
  cntp_cval_el0: key(3, 3, 14, 2, 2),
  cntv_tval_el0: key(3, 3, 14, 3, 0),
  cntv_ctl_el0: key(3, 3, 14, 3, 1),
  cntv_cval_el0: key(3, 3, 14, 3, 2),
} as const;

export type SystemRegister = keyof typeof SYSTEM_REGISTERS;

const NAMES = new Map<number, SystemRegister>(
  (Object.keys(SYSTEM_REGISTERS) as SystemRegister[]).map((name) => [SYSTEM_REGISTERS[name], name]),
);

/** The register of an encoding; undefined where the emulator has none. */
export function systemRegister(encoding: number): SystemRegister | undefined {
  return NAMES.get(encoding);
}

export function systemRegisterText(op0: number, op1: number, crn: number, crm: number, op2: number): string {
  return systemRegister(key(op0, op1, crn, crm, op2)) ?? `s${op0}_${op1}_c${crn}_c${crm}_${op2}`;
}
