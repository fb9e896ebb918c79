/** How operands are written in assembly (Arm ARM, C1.2), as binutils' objdump writes them with `-M no-aliases`. */
import { expandImmediate } from "../float/immediate.ts";
import { bitmaskImmediate } from "./bitmask.ts";
import { type Fields, signed } from "./row.ts";
import { STRUCTURE_PRINTERS } from "./structure-text.ts";
import { systemRegisterText } from "./system-register.ts";
import { immediateByte } from "./vector-fields.ts";
import { VECTOR_PRINTERS } from "./vector-text.ts";

/** @param value of the field that the placeholder names. @param pc address of the instruction. */
export type Printer = (value: number, fields: Fields, pc: number) => string;

export const CONDITIONS = [
  "eq",
  "ne",
  "cs",
  "cc",
  "mi",
  "pl",
  "vs",
  "vc",
  "hi",
  "ls",
  "ge",
  "lt",
  "gt",
  "le",
  "al",
  "nv",
] as const;
const SHIFTS = ["lsl", "lsr", "asr", "ror"] as const;
const EXTENSIONS = ["uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"] as const;
const BARRIERS: Readonly<Record<number, string>> = {
  1: "oshld",
  2: "oshst",
  3: "osh",
  5: "nshld",
  6: "nshst",
  7: "nsh",
  9: "ishld",
  10: "ishst",
  11: "ish",
  13: "ld",
  14: "st",
  15: "sy",
};
const PSTATE: Readonly<Record<number, string>> = { 5: "spsel", 30: "daifset", 31: "daifclr" };

export const hex = (value: number | bigint): string => `#0x${value.toString(16)}`;
export const wide = (width: number, value: number): string =>
  value === 31 ? (width === 1 ? "xzr" : "wzr") : `${width === 1 ? "x" : "w"}${value}`;
export const wideOrStack = (width: number, value: number): string =>
  value === 31 ? (width === 1 ? "sp" : "wsp") : `${width === 1 ? "x" : "w"}${value}`;
const address = (value: number): string =>
  `0x${value < 0 ? BigInt.asUintN(64, BigInt(value)).toString(16) : value.toString(16)}`;
const offset = (bytes: number): string => (bytes === 0 ? "" : `, #${bytes}`);

const BRANCH_BITS: Readonly<Record<string, number>> = { imm26: 26, imm19: 19, imm14: 14 };

function branchTarget(fields: Fields, pc: number): string {
  for (const [name, bits] of Object.entries(BRANCH_BITS)) {
    const value = fields[name];
    if (value !== undefined) return address(pc + 4 * signed(value, bits));
  }
  throw new Error("a branch without an offset");
}

function index(value: number, { option = 0, S = 0 }: Fields, scale: number): string {
  const register = wide(option & 1, value);
  const amount = S === 0 ? "" : ` #${scale}`;
  if (option === 3) return S === 0 ? register : `${register}, lsl${amount}`;
  return `${register}, ${EXTENSIONS[option]}${amount}`;
}

/** UXTX, or UXTW of a 32-bit instruction, is LSL where the stack pointer takes part. */
function extended(value: number, { sf = 0, option = 0, imm3 = 0, Rn, Rd }: Fields, setsFlags: boolean): string {
  const register = wide(sf === 1 && (option & 3) === 3 ? 1 : 0, value);
  const amount = imm3 === 0 ? "" : ` #${imm3}`;
  if (option === 2 + sf && (Rn === 31 || (Rd === 31 && !setsFlags))) {
    return imm3 === 0 ? register : `${register}, lsl${amount}`;
  }
  return `${register}, ${EXTENSIONS[option]}${amount}`;
}

function prefetch(value: number): string {
  const type = ["pld", "pli", "pst"][value >> 3];
  const level = (value >> 1) & 3;
  if (type === undefined || level === 3) return `#0x${value.toString(16).padStart(2, "0")}`;
  return `${type}l${level + 1}${(value & 1) === 1 ? "strm" : "keep"}`;
}

const perScale = (name: string, print: (value: number, fields: Fields, scale: number) => string) =>
  [0, 1, 2, 3, 4].map((scale): [string, Printer] => [
    `${name}${scale}`,
    (value, fields) => print(value, fields, scale),
  ]);

const vectorRegisters = ["b", "h", "s", "d", "q"].map((letter): [string, Printer] => [
  letter,
  (value) => `${letter}${value}`,
]);

/** As C's `%.18e`. */
function floatText(value: number): string {
  const [digits, exponent = ""] = value.toExponential(18).split("e");
  return `#${digits}e${exponent.charAt(0)}${exponent.slice(1).padStart(2, "0")}`;
}

export const PRINTERS: Readonly<Record<string, Printer>> = {
  r: (value, { sf = 0 }) => wide(sf, value),
  rsp: (value, { sf = 0 }) => wideOrStack(sf, value),
  w: (value) => wide(0, value),
  x: (value) => wide(1, value),
  xsp: (value) => wideOrStack(1, value),
  rsize: (value, { size = 0 }) => wide(size === 3 ? 1 : 0, value),
  rsz: (value, { sz = 0 }) => wide(sz, value),
  rszNext: (value, { sz = 0 }) => wide(sz, value + 1),
  lr: (value) => (value === 30 ? "" : ` ${wide(1, value)}`),
  ...Object.fromEntries(vectorRegisters),

  fp: (value, { sz }) => `${sz === 1 ? "d" : "s"}${value}`,
  fbits: (value) => `#${64 - value}`,
  fbits32: (value) => `#${32 - value}`,
  vf: (value, { Q, sz }) => `v${value}.${sz === 1 ? "2d" : Q === 1 ? "4s" : "2s"}`,
  vs: (value, { Q }) => `v${value}.${Q === 1 ? "4s" : "2s"}`,
  v4s: (value) => `v${value}.4s`,
  v2d: (value) => `v${value}.2d`,
  vPair: (value, { sz }) => `v${value}.${sz === 1 ? "2d" : "2s"}`,
  vWide: (value, { sz }) => `v${value}.${sz === 1 ? "2d" : "4s"}`,
  vNarrow: (value, { Q, sz }) => `v${value}.${sz === 1 ? (Q === 1 ? "4s" : "2s") : Q === 1 ? "8h" : "4h"}`,
  vfElement: (value, { sz, H = 0, L = 0 }) => `v${value}.${sz === 1 ? `d[${H}]` : `s[${2 * H + L}]`}`,
  two: (value) => (value === 1 ? "2" : ""),
  ...VECTOR_PRINTERS,
  ...STRUCTURE_PRINTERS,
  floatByte: (_, fields) => floatText(expandImmediate(immediateByte(fields))),
  fimm: (value) => floatText(expandImmediate(value)),
  top: (value) => `v${value}.d[1]`,

  hex: (value) => hex(value),
  dec: (value) => `#${value}`,
  dec9: (value) => `#${signed(value, 9)}`,
  offset9: (value) => offset(signed(value, 9)),
  imm16: (value) => (value === 0 ? "" : ` ${hex(value)}`),
  bitmask: (_, { sf, N = 0, immr = 0, imms = 0 }) => {
    const value = bitmaskImmediate(N, immr, imms);
    return hex(sf === 1 ? value : value & 0xffff_ffffn);
  },
  lsl12: (value) => (value === 1 ? ", lsl #12" : ""),
  hw: (value) => (value === 0 ? "" : `, lsl #${16 * value}`),
  shift: (value, { imm6 }) => (value === 0 && imm6 === 0 ? "" : `, ${SHIFTS[value]} #${imm6}`),
  extended: (value, fields) => extended(value, fields, false),
  extendedFlags: (value, fields) => extended(value, fields, true),
  ...Object.fromEntries(perScale("scaled", (value, _, scale) => offset(value * 2 ** scale))),
  ...Object.fromEntries(perScale("index", index)),
  ...Object.fromEntries(perScale("pair", (value, _, scale) => `#${signed(value, 7) * 2 ** scale}`)),
  ...Object.fromEntries(perScale("pairOffset", (value, _, scale) => offset(signed(value, 7) * 2 ** scale))),

  cond: (value) => CONDITIONS[value] ?? "",
  branch: (_, fields, pc) => branchTarget(fields, pc),
  adr: (value, { immlo = 0 }, pc) => address(pc + signed(value, 19) * 4 + immlo),
  adrp: (value, { immlo = 0 }, pc) => address(pc - (pc % 4096) + (signed(value, 19) * 4 + immlo) * 4096),
  tested: (value, { b5 = 0 }) => wide(b5, value),
  bit: (value, { b5 = 0 }) => `#${b5 * 32 + value}`,

  bh: (value) => ["b", "h", "", ""][value] ?? "",
  bhwx: (value) => ["b", "h", "w", "x"][value] ?? "",
  acquire: (value) => (value === 1 ? "a" : ""),
  release: (value) => (value === 1 ? "l" : ""),
  prefetch: (value) => prefetch(value),

  barrier: (value) => BARRIERS[value] ?? `#0x${value.toString(16).padStart(2, "0")}`,
  clrex: (value) => (value === 15 ? "" : ` ${hex(value)}`),
  isb: (value) => (value === 15 ? "" : ` ${hex(value)}`),
  hint: (value, { CRm = 0 }) => hex(8 * CRm + value),
  pstate: (value, { op2 = 0 }) => PSTATE[(value << 3) | op2] ?? "",
  sys: (value, { CRn, CRm, op2 }) => `#${value}, C${CRn}, C${CRm}, #${op2}`,
  sysRt: (value) => (value === 31 ? "" : `, ${wide(1, value)}`),
  sysreg: (value, { op1 = 0, CRn = 0, CRm = 0, op2 = 0 }) => systemRegisterText(value, op1, CRn, CRm, op2),
};
