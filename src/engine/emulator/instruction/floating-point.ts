/** Floating point of scalars (Arm ARM, C4.1.96: what begins "Floating-point"). `sz` is 1 where it is double precision. */
import { type Row, row } from "./row.ts";

const ROUNDING_CONVERSIONS = [
  ["FCVTNS", "00 000"],
  ["FCVTNU", "00 001"],
  ["FCVTAS", "00 100"],
  ["FCVTAU", "00 101"],
  ["FCVTPS", "01 000"],
  ["FCVTPU", "01 001"],
  ["FCVTMS", "10 000"],
  ["FCVTMU", "10 001"],
  ["FCVTZS", "11 000"],
  ["FCVTZU", "11 001"],
] as const;

const ONE_SOURCE = [
  ["FMOV", "000000"],
  ["FABS", "000001"],
  ["FNEG", "000010"],
  ["FSQRT", "000011"],
  ["FRINTN", "001000"],
  ["FRINTP", "001001"],
  ["FRINTM", "001010"],
  ["FRINTZ", "001011"],
  ["FRINTA", "001100"],
  ["FRINTX", "001110"],
  ["FRINTI", "001111"],
] as const;

const TWO_SOURCES = [
  ["FMUL", "0000"],
  ["FDIV", "0001"],
  ["FADD", "0010"],
  ["FSUB", "0011"],
  ["FMAX", "0100"],
  ["FMIN", "0101"],
  ["FMAXNM", "0110"],
  ["FMINNM", "0111"],
  ["FNMUL", "1000"],
] as const;

const THREE_SOURCES = [
  ["FMADD", "0", "0"],
  ["FMSUB", "0", "1"],
  ["FNMADD", "1", "0"],
  ["FNMSUB", "1", "1"],
] as const;

/** FCVT by the letters of source and destination, with `ptype` and the end of `opcode`. */
const PRECISIONS = [
  ["s", "d", "00", "01"],
  ["s", "h", "00", "11"],
  ["d", "s", "01", "00"],
  ["d", "h", "01", "11"],
  ["h", "s", "11", "00"],
  ["h", "d", "11", "01"],
] as const;

const isFixedPoint = ({ sf, scale }: { readonly sf: number; readonly scale: number }) => sf === 1 || scale >= 32;

function fixedPoint(name: "SCVTF" | "UCVTF", code: string): Row {
  return row(
    `${name} (scalar, fixed-point)`,
    `sf:1 00111100 sz:1 0 ${code} scale:6 Rn:5 Rd:5` as "sf:1 scale:6 Rn:5 Rd:5",
    `${name.toLowerCase()} {fp:Rd}, {r:Rn}, {fbits:scale}`,
    isFixedPoint,
  );
}

function toFixedPoint(name: "FCVTZS" | "FCVTZU", code: string): Row {
  return row(
    `${name} (scalar, fixed-point)`,
    `sf:1 00111100 sz:1 0 ${code} scale:6 Rn:5 Rd:5` as "sf:1 scale:6 Rn:5 Rd:5",
    `${name.toLowerCase()} {r:Rd}, {fp:Rn}, {fbits:scale}`,
    isFixedPoint,
  );
}

export const FLOATING_POINT: readonly Row[] = [
  ...ONE_SOURCE.map(([name, code]) =>
    row(`${name} (scalar)`, `000111100 sz:1 1 ${code} 10000 Rn:5 Rd:5`, `${name.toLowerCase()} {fp:Rd}, {fp:Rn}`),
  ),
  ...PRECISIONS.map(([from, to, type, code]) =>
    row(`FCVT (${from} to ${to})`, `00011110 ${type} 1 0001 ${code} 10000 Rn:5 Rd:5`, `fcvt {${to}:Rd}, {${from}:Rn}`),
  ),
  ...TWO_SOURCES.map(([name, code]) =>
    row(
      `${name} (scalar)`,
      `000111100 sz:1 1 Rm:5 ${code} 10 Rn:5 Rd:5`,
      `${name.toLowerCase()} {fp:Rd}, {fp:Rn}, {fp:Rm}`,
    ),
  ),
  ...THREE_SOURCES.map(([name, o1, o0]) =>
    row(
      name,
      `000111110 sz:1 ${o1} Rm:5 ${o0} Ra:5 Rn:5 Rd:5`,
      `${name.toLowerCase()} {fp:Rd}, {fp:Rn}, {fp:Rm}, {fp:Ra}`,
    ),
  ),
  ...["FCMP", "FCMPE"].flatMap((name, signals) => [
    row(name, `000111100 sz:1 1 Rm:5 001000 Rn:5 ${signals} 0000`, `${name.toLowerCase()} {fp:Rn}, {fp:Rm}`),
    row(`${name} (zero)`, `000111100 sz:1 1 Rm:5 001000 Rn:5 ${signals} 1000`, `${name.toLowerCase()} {fp:Rn}, #0.0`),
  ]),
  ...["FCCMP", "FCCMPE"].map((name, signals) =>
    row(
      name,
      `000111100 sz:1 1 Rm:5 cond:4 01 Rn:5 ${signals} nzcv:4`,
      `${name.toLowerCase()} {fp:Rn}, {fp:Rm}, {hex:nzcv}, {cond:cond}`,
    ),
  ),
  row("FCSEL", "000111100 sz:1 1 Rm:5 cond:4 11 Rn:5 Rd:5", "fcsel {fp:Rd}, {fp:Rn}, {fp:Rm}, {cond:cond}"),
  row("FMOV (scalar, immediate)", "000111100 sz:1 1 imm8:8 100 00000 Rd:5", "fmov {fp:Rd}, {fimm:imm8}"),
  row("FMOV (s to w)", "00011110 00 1 00 110 000000 Rn:5 Rd:5", "fmov {w:Rd}, {s:Rn}"),
  row("FMOV (w to s)", "00011110 00 1 00 111 000000 Rn:5 Rd:5", "fmov {s:Rd}, {w:Rn}"),
  row("FMOV (d to x)", "10011110 01 1 00 110 000000 Rn:5 Rd:5", "fmov {x:Rd}, {d:Rn}"),
  row("FMOV (x to d)", "10011110 01 1 00 111 000000 Rn:5 Rd:5", "fmov {d:Rd}, {x:Rn}"),
  row("FMOV (top half to x)", "10011110 10 1 01 110 000000 Rn:5 Rd:5", "fmov {x:Rd}, {top:Rn}"),
  row("FMOV (x to top half)", "10011110 10 1 01 111 000000 Rn:5 Rd:5", "fmov {top:Rd}, {x:Rn}"),
  ...ROUNDING_CONVERSIONS.map(([name, code]) =>
    row(`${name} (scalar)`, `sf:1 00111100 sz:1 1 ${code} 000000 Rn:5 Rd:5`, `${name.toLowerCase()} {r:Rd}, {fp:Rn}`),
  ),
  ...["SCVTF", "UCVTF"].map((name, isUnsigned) =>
    row(
      `${name} (scalar)`,
      `sf:1 00111100 sz:1 1 00 01 ${isUnsigned} 000000 Rn:5 Rd:5`,
      `${name.toLowerCase()} {fp:Rd}, {r:Rn}`,
    ),
  ),
  fixedPoint("SCVTF", "00 010"),
  fixedPoint("UCVTF", "00 011"),
  toFixedPoint("FCVTZS", "11 000"),
  toFixedPoint("FCVTZU", "11 001"),
];
