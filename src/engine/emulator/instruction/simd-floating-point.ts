/**
 * Floating point of vectors, and of scalars by Advanced SIMD's instructions (Arm ARM, C4.1.96). `sz` is 1 where it is double
 * precision.
 */
import { type Row, row } from "./row.ts";

/** Three of the same: with U, and the bit above `sz`; `scalar` where there is a scalar form. */
const THREE_SAME = [
  ["FMAXNM", "0", "0", "11000"],
  ["FMLA", "0", "0", "11001"],
  ["FADD", "0", "0", "11010"],
  ["FMULX", "0", "0", "11011", "scalar"],
  ["FCMEQ", "0", "0", "11100", "scalar"],
  ["FMAX", "0", "0", "11110"],
  ["FRECPS", "0", "0", "11111", "scalar"],
  ["FMINNM", "0", "1", "11000"],
  ["FMLS", "0", "1", "11001"],
  ["FSUB", "0", "1", "11010"],
  ["FMIN", "0", "1", "11110"],
  ["FRSQRTS", "0", "1", "11111", "scalar"],
  ["FMAXNMP", "1", "0", "11000"],
  ["FADDP", "1", "0", "11010"],
  ["FMUL", "1", "0", "11011"],
  ["FCMGE", "1", "0", "11100", "scalar"],
  ["FACGE", "1", "0", "11101", "scalar"],
  ["FMAXP", "1", "0", "11110"],
  ["FDIV", "1", "0", "11111"],
  ["FMINNMP", "1", "1", "11000"],
  ["FABD", "1", "1", "11010", "scalar"],
  ["FCMGT", "1", "1", "11100", "scalar"],
  ["FACGT", "1", "1", "11101", "scalar"],
  ["FMINP", "1", "1", "11110"],
] as const;

const TWO_MISCELLANEOUS = [
  ["FRINTN", "0", "0", "11000"],
  ["FRINTM", "0", "0", "11001"],
  ["FCVTNS", "0", "0", "11010", "scalar"],
  ["FCVTMS", "0", "0", "11011", "scalar"],
  ["FCVTAS", "0", "0", "11100", "scalar"],
  ["SCVTF", "0", "0", "11101", "scalar"],
  ["FABS", "0", "1", "01111"],
  ["FRINTP", "0", "1", "11000"],
  ["FRINTZ", "0", "1", "11001"],
  ["FCVTPS", "0", "1", "11010", "scalar"],
  ["FCVTZS", "0", "1", "11011", "scalar"],
  ["FRECPE", "0", "1", "11101", "scalar"],
  ["FRINTA", "1", "0", "11000"],
  ["FRINTX", "1", "0", "11001"],
  ["FCVTNU", "1", "0", "11010", "scalar"],
  ["FCVTMU", "1", "0", "11011", "scalar"],
  ["FCVTAU", "1", "0", "11100", "scalar"],
  ["UCVTF", "1", "0", "11101", "scalar"],
  ["FNEG", "1", "1", "01111"],
  ["FRINTI", "1", "1", "11001"],
  ["FCVTPU", "1", "1", "11010", "scalar"],
  ["FCVTZU", "1", "1", "11011", "scalar"],
  ["FRSQRTE", "1", "1", "11101", "scalar"],
  ["FSQRT", "1", "1", "11111"],
] as const;

/** Comparisons with zero. */
const WITH_ZERO = [
  ["FCMGT", "0", "01100"],
  ["FCMEQ", "0", "01101"],
  ["FCMLT", "0", "01110"],
  ["FCMGE", "1", "01100"],
  ["FCMLE", "1", "01101"],
] as const;

const BY_ELEMENT = [
  ["FMLA", "0", "0001"],
  ["FMLS", "0", "0101"],
  ["FMUL", "0", "1001"],
  ["FMULX", "1", "1001"],
] as const;

const ACROSS = [
  ["FMAXNMV", "0", "01100"],
  ["FMAXV", "0", "01111"],
  ["FMINNMV", "1", "01100"],
  ["FMINV", "1", "01111"],
] as const;

const PAIRWISE = [
  ["FMAXNMP", "0", "01100"],
  ["FADDP", "0", "01101"],
  ["FMAXP", "0", "01111"],
  ["FMINNMP", "1", "01100"],
  ["FMINP", "1", "01111"],
] as const;

const FIXED_POINT = [
  ["SCVTF", "0", "11100"],
  ["UCVTF", "1", "11100"],
  ["FCVTZS", "0", "11111"],
  ["FCVTZU", "1", "11111"],
] as const;

/** A vector of one double is none. */
const isVector = ({ Q, sz }: { readonly Q: number; readonly sz: number }) => sz === 0 || Q === 1;
const isVectorAndElement = ({ Q, sz, L }: { readonly Q: number; readonly sz: number; readonly L: number }) =>
  sz === 0 || (Q === 1 && L === 0);
const isElement = ({ sz, L }: { readonly sz: number; readonly L: number }) => sz === 0 || L === 0;

function vectorRow(name: string, pattern: string, syntax: string): Row {
  return row(`${name} (vector)`, `0 Q:1 ${pattern}` as "Q:1 sz:1", syntax, isVector);
}

function threeSame([name, u, high, opcode, scalar]: (typeof THREE_SAME)[number]): readonly Row[] {
  const tail = `${high} sz:1 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`;
  const text = name.toLowerCase();
  return [
    vectorRow(name, `${u} 01110 ${tail}`, `${text} {vf:Rd}, {vf:Rn}, {vf:Rm}`),
    ...(scalar === undefined
      ? []
      : [row(`${name} (SIMD scalar)`, `01 ${u} 11110 ${tail}`, `${text} {fp:Rd}, {fp:Rn}, {fp:Rm}`)]),
  ];
}

function twoMiscellaneous([name, u, high, opcode, scalar]: (typeof TWO_MISCELLANEOUS)[number]): readonly Row[] {
  const tail = `${high} sz:1 10000 ${opcode} 10 Rn:5 Rd:5`;
  const text = name.toLowerCase();
  return [
    vectorRow(name, `${u} 01110 ${tail}`, `${text} {vf:Rd}, {vf:Rn}`),
    ...(scalar === undefined
      ? []
      : [row(`${name} (SIMD scalar)`, `01 ${u} 11110 ${tail}`, `${text} {fp:Rd}, {fp:Rn}`)]),
  ];
}

function withZero([name, u, opcode]: (typeof WITH_ZERO)[number]): readonly Row[] {
  const tail = `1 sz:1 10000 ${opcode} 10 Rn:5 Rd:5`;
  const text = name.toLowerCase();
  return [
    vectorRow(`${name} zero`, `${u} 01110 ${tail}`, `${text} {vf:Rd}, {vf:Rn}, #0.0`),
    row(`${name} zero (SIMD scalar)`, `01 ${u} 11110 ${tail}`, `${text} {fp:Rd}, {fp:Rn}, #0.0`),
  ];
}

function byElement([name, u, opcode]: (typeof BY_ELEMENT)[number]): readonly Row[] {
  const tail = `1 sz:1 L:1 Rm:5 ${opcode} H:1 0 Rn:5 Rd:5`;
  const text = name.toLowerCase();
  return [
    row(
      `${name} (vector, by element)`,
      `0 Q:1 ${u} 01111 ${tail}` as "Q:1 sz:1 L:1",
      `${text} {vf:Rd}, {vf:Rn}, {vfElement:Rm}`,
      isVectorAndElement,
    ),
    row(
      `${name} (SIMD scalar, by element)`,
      `01 ${u} 11111 ${tail}` as "sz:1 L:1",
      `${text} {fp:Rd}, {fp:Rn}, {vfElement:Rm}`,
      isElement,
    ),
  ];
}

/** The number of bits behind the point is 32 less `shift32`, or 64 less `shift64`. */
function fixedPoint([name, u, opcode]: (typeof FIXED_POINT)[number]): readonly Row[] {
  const text = name.toLowerCase();
  const tail = `${opcode} 1 Rn:5 Rd:5`;
  return [
    row(
      `${name} (vector, fixed-point, single)`,
      `0 Q:1 ${u} 011110 01 shift32:5 ${tail}`,
      `${text} {vs:Rd}, {vs:Rn}, {fbits32:shift32}`,
    ),
    row(
      `${name} (vector, fixed-point, double)`,
      `0 1 ${u} 011110 1 shift64:6 ${tail}`,
      `${text} {v2d:Rd}, {v2d:Rn}, {fbits:shift64}`,
    ),
    row(
      `${name} (SIMD scalar, fixed-point, single)`,
      `01 ${u} 111110 01 shift32:5 ${tail}`,
      `${text} {s:Rd}, {s:Rn}, {fbits32:shift32}`,
    ),
    row(
      `${name} (SIMD scalar, fixed-point, double)`,
      `01 ${u} 111110 1 shift64:6 ${tail}`,
      `${text} {d:Rd}, {d:Rn}, {fbits:shift64}`,
    ),
  ];
}

export const SIMD_FLOATING_POINT: readonly Row[] = [
  ...THREE_SAME.flatMap(threeSame),
  ...TWO_MISCELLANEOUS.flatMap(twoMiscellaneous),
  ...WITH_ZERO.flatMap(withZero),
  ...BY_ELEMENT.flatMap(byElement),
  ...FIXED_POINT.flatMap(fixedPoint),
  ...ACROSS.map(([name, high, opcode]) =>
    row(name, `01101110 ${high} 0 11000 ${opcode} 10 Rn:5 Rd:5`, `${name.toLowerCase()} {s:Rd}, {v4s:Rn}`),
  ),
  ...PAIRWISE.map(([name, high, opcode]) =>
    row(
      `${name} (SIMD scalar)`,
      `01111110 ${high} sz:1 11000 ${opcode} 10 Rn:5 Rd:5`,
      `${name.toLowerCase()} {fp:Rd}, {vPair:Rn}`,
    ),
  ),
  row("FCVTL", "0 Q:1 0 011100 sz:1 10000 10111 10 Rn:5 Rd:5", "fcvtl{two:Q} {vWide:Rd}, {vNarrow:Rn}"),
  row("FCVTN", "0 Q:1 0 011100 sz:1 10000 10110 10 Rn:5 Rd:5", "fcvtn{two:Q} {vNarrow:Rd}, {vWide:Rn}"),
  row("FCVTXN (vector)", "0 Q:1 1 0111001 10000 10110 10 Rn:5 Rd:5", "fcvtxn{two:Q} {vs:Rd}, {v2d:Rn}"),
  row("FCVTXN (SIMD scalar)", "01 1 1111001 10000 10110 10 Rn:5 Rd:5", "fcvtxn {s:Rd}, {d:Rn}"),
  row("FRECPX", "01 0 111101 sz:1 10000 11111 10 Rn:5 Rd:5", "frecpx {fp:Rd}, {fp:Rn}"),
  row("URECPE", "0 Q:1 0 0111010 10000 11100 10 Rn:5 Rd:5", "urecpe {vs:Rd}, {vs:Rn}"),
  row("URSQRTE", "0 Q:1 1 0111010 10000 11100 10 Rn:5 Rd:5", "ursqrte {vs:Rd}, {vs:Rn}"),
];
