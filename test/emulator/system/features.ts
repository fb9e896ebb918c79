/** What each field of the registers of identification tells, and the instructions and registers by which it shows (Arm ARM, D17.2). */
import type { SystemRegister } from "../../../src/engine/emulator/instruction/system-register.ts";
import * as a64 from "./words.ts";

export interface Field {
  readonly register: SystemRegister;
  readonly shift: number;
  readonly name: string;
  /** By the lowest value of the field with which they are there: words of instructions that are undefined otherwise. */
  readonly words: ReadonlyMap<number, readonly number[]>;
  /** The value is a signed number, of which -1 is less than all. */
  readonly isSigned: boolean;
}

type Levels = Readonly<Record<number, readonly number[]>>;

function fieldsOf(register: SystemRegister, fields: Readonly<Record<string, readonly [number, Levels]>>): Field[] {
  return Object.entries(fields).map(([name, [shift, levels]]) => {
    const words = new Map(Object.entries(levels).map(([level, list]) => [Number(level), list]));
    return { register, shift, name, words, isSigned: words.has(-1) || name === "FP" || name === "AdvSIMD" };
  });
}

const read = (op0: number, op1: number, crn: number, crm: number, op2: number) => {
  const key = (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
  return a64.mrsKey(0, key);
};

const ISAR0 = fieldsOf("id_aa64isar0_el1", {
  // AESE; PMULL of doublewords.
  AES: [4, { 1: [0x4e28_4820], 2: [0x0ee2_e020] }],
  SHA1: [8, { 1: [0x5e28_0820] }],
  // SHA256SU0; SHA512SU0.
  SHA2: [12, { 1: [0x5e28_2820], 2: [0xcec0_8020] }],
  CRC32: [16, { 1: [0x1ac2_4020, 0x9ac2_5c20] }],
  // CAS, CASP, LDADD, LDCLR, SWP, STADDB.
  Atomic: [20, { 2: [0xc8a0_7c41, 0x4820_7c82, 0xf820_0041, 0xf820_1041, 0xf820_8041, 0x3820_003f] }],
  // SQRDMLAH; EOR3; SM3TT1A; SM4E; UDOT; FMLAL.
  RDM: [28, { 1: [0x2e42_8420] }],
  SHA3: [32, { 1: [0xce02_0c20] }],
  SM3: [36, { 1: [0xce42_8020] }],
  SM4: [40, { 1: [0xcec0_8420] }],
  DP: [44, { 1: [0x6e82_9420] }],
  FHM: [48, { 1: [0x4e22_ec20] }],
  // CFINV, RMIF, SETF8; AXFLAG.
  TS: [52, { 1: [0xd500_401f, 0xba00_8401, 0x3a00_080d], 2: [0xd500_405f] }],
  // TLBI VMALLE1OS; TLBI RVAE1.
  TLB: [56, { 1: [0xd508_811f], 2: [0xd508_8620] }],
  RNDR: [60, { 1: [0xd53b_2400] }],
});

const ISAR1 = fieldsOf("id_aa64isar1_el1", {
  // DC CVAP; DC CVADP.
  DPB: [0, { 1: [0xd50b_7c20], 2: [0xd50b_7d20] }],
  // PACIA, RETAA, LDRAA.
  APA: [4, { 1: [0xdac1_0020, 0xd65f_0bff, 0xf820_0420] }],
  API: [8, { 1: [0xdac1_0020] }],
  JSCVT: [12, { 1: [0x1e7e_0020] }],
  FCMA: [16, { 1: [0x6e82_e420] }],
  // LDAPR; LDAPUR.
  LRCPC: [20, { 1: [0xf8bf_c020], 2: [0xd940_0020] }],
  // PACGA.
  GPA: [24, { 1: [0x9ac2_3020] }],
  GPI: [28, { 1: [0x9ac2_3020] }],
  FRINTTS: [32, { 1: [0x1e28_4020] }],
  SB: [36, { 1: [0xd503_30ff] }],
  SPECRES: [40, { 1: [0xd50b_7380] }],
  BF16: [44, { 1: [0x6e42_fc20] }],
  DGH: [48, {}],
  I8MM: [52, { 1: [0x4e82_a420] }],
  XS: [56, {}],
  // LD64B.
  LS64: [60, { 1: [0xf83f_d100] }],
});

const ISAR2 = fieldsOf("id_aa64isar2_el1", {
  // WFET.
  WFxT: [0, { 1: [0xd503_1000] }],
  RPRES: [4, {}],
  GPA3: [8, {}],
  APA3: [12, {}],
  // CPYFP.
  MOPS: [16, { 1: [0x1901_0440] }],
  // BC.EQ.
  BC: [20, { 1: [0x5400_0030] }],
  "PAC frac": [24, {}],
});

const PFR0 = fieldsOf("id_aa64pfr0_el1", {
  EL0: [0, {}],
  EL1: [4, {}],
  // HVC and HCR_EL2; SMC and SCR_EL3.
  EL2: [8, { 1: [0xd400_0002, read(3, 4, 1, 1, 0)] }],
  EL3: [12, { 1: [0xd400_0003, read(3, 6, 1, 1, 0)] }],
  // FADD of single and of half precision, scalar and vector.
  FP: [16, { 0: [0x1e22_2820], 1: [0x1ee2_2820] }],
  AdvSIMD: [20, { 0: [0x4e22_d420], 1: [0x4e42_1420] }],
  // ICC_SRE_EL1; ERRIDR_EL1; PTRUE; MPAM1_EL1; AMCR_EL0; DIT; SCXTNUM_EL1.
  GIC: [24, { 1: [read(3, 0, 12, 12, 5)] }],
  RAS: [28, { 1: [read(3, 0, 5, 3, 0)] }],
  SVE: [32, { 1: [0x2518_e3e0] }],
  SEL2: [36, {}],
  MPAM: [40, { 1: [read(3, 0, 10, 5, 0)] }],
  AMU: [44, { 1: [read(3, 3, 13, 2, 0)] }],
  DIT: [48, { 1: [0xd503_415f, 0xd53b_42a0] }],
  CSV2: [56, { 2: [read(3, 0, 13, 0, 7)] }],
  CSV3: [60, {}],
});

const PFR1 = fieldsOf("id_aa64pfr1_el1", {
  BT: [0, {}],
  // SSBS; IRG and ADDG; SMSTART and SVCR.
  SSBS: [4, { 1: [0xd53b_42c0] }],
  MTE: [8, { 1: [0x9adf_1020, 0x9181_0420] }],
  "RAS frac": [12, {}],
  "MPAM frac": [16, {}],
  SME: [24, { 1: [0xd503_477f, read(3, 3, 4, 2, 2)] }],
});

const MMFR0 = fieldsOf("id_aa64mmfr0_el1", {
  PARange: [0, {}],
  ASIDBits: [4, {}],
  BigEnd: [8, {}],
  SNSMem: [12, {}],
  BigEndEL0: [16, {}],
  TGran16: [20, {}],
  TGran64: [24, {}],
  TGran4: [28, {}],
  ExS: [44, {}],
  FGT: [56, {}],
  // CNTPCTSS_EL0.
  ECV: [60, { 1: [read(3, 3, 14, 0, 5)] }],
});

const MMFR1 = fieldsOf("id_aa64mmfr1_el1", {
  HAFDBS: [0, {}],
  VMIDBits: [4, {}],
  // CONTEXTIDR_EL2, and EL1's registers for EL2.
  VH: [8, { 1: [read(3, 4, 13, 0, 1), read(3, 5, 1, 0, 0)] }],
  HPDS: [12, {}],
  // LDLAR, STLLR, LORID_EL1.
  LO: [16, { 1: [0xc8df_7c20, 0xc89f_7c20, read(3, 0, 10, 4, 7)] }],
  // MSR PAN and MRS; AT S1E1RP.
  PAN: [20, { 1: [0xd500_419f, 0xd538_4260], 2: [0xd508_7900] }],
  SpecSEI: [24, {}],
  XNX: [28, {}],
  TWED: [32, {}],
  ETS: [36, {}],
});

const MMFR2 = fieldsOf("id_aa64mmfr2_el1", {
  CnP: [0, {}],
  UAO: [4, { 1: [0xd500_417f, 0xd538_4280] }],
  LSM: [8, {}],
  IESB: [12, {}],
  VARange: [16, {}],
  CCIDX: [20, { 1: [read(3, 1, 0, 0, 2)] }],
  NV: [24, {}],
  ST: [28, {}],
  AT: [32, {}],
  IDS: [36, {}],
  FWB: [40, {}],
  TTL: [48, {}],
  BBM: [52, {}],
  EVT: [56, {}],
  E0PD: [60, {}],
});

const breakpoint = (number: number) => [read(2, 0, 0, number, 4), read(2, 0, 0, number, 5)];
const watchpoint = (number: number) => [read(2, 0, 0, number, 6), read(2, 0, 0, number, 7)];
/** From one on there is one more than the field says. */
const counted = (registers: (number: number) => readonly number[]): Levels => ({
  0: registers(0),
  1: registers(1),
  ...Object.fromEntries(Array.from({ length: 14 }, (_, index) => [index + 2, registers(index + 2)])),
});

const DFR0 = fieldsOf("id_aa64dfr0_el1", {
  DebugVer: [0, { 6: [read(2, 0, 0, 2, 2)] }],
  // TRCPRGCTLR; PMCR_EL0; PMSCR_EL1; TRFCR_EL1; TRBLIMITR_EL1.
  TraceVer: [4, { 1: [read(2, 1, 0, 1, 0)] }],
  PMUVer: [8, { 1: [read(3, 3, 9, 12, 0)] }],
  BRPs: [12, counted(breakpoint)],
  WRPs: [20, counted(watchpoint)],
  CTXCMPs: [28, {}],
  PMSVer: [32, { 1: [read(3, 0, 9, 9, 0)] }],
  // 0 where there is one.
  DoubleLock: [36, { 0: [read(2, 0, 1, 3, 4)] }],
  TraceFilt: [40, { 1: [read(3, 0, 1, 2, 1)] }],
  TraceBuffer: [44, { 1: [read(3, 0, 9, 11, 0)] }],
});

export const FIELDS: readonly Field[] = [ISAR0, ISAR1, ISAR2, PFR0, PFR1, MMFR0, MMFR1, MMFR2, DFR0].flat();
