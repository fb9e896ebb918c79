/** Advanced SIMD: integer arithmetic and logic of two vectors of the same elements (Arm ARM, C7.2). */
import { i32 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";
import {
  add,
  and,
  andNot,
  binary,
  compare,
  everySecond,
  extentOf,
  extreme,
  type Form,
  formOf,
  joinLow,
  keep,
  lowest,
  multiply,
  multiplyLong,
  named,
  narrowPrefixOf,
  noteSaturation,
  or,
  replicated,
  type Signedness,
  shiftBy,
  sub,
  type Vector,
  widened,
  withVectors,
  xor,
  ZERO,
} from "./simd-lanes.ts";
import { saturatingSum, settled } from "./simd-saturating.ts";
import { shiftEach } from "./simd-shift-by-register.ts";

/** Of two vectors that can be used more than once; what is not of the form may be anything. */
export type Definition = (op: Operation, form: Form, a: Vector, b: Vector) => Vector;

export const threeSame =
  (isScalar: boolean) =>
  (define: Definition): Semantics =>
    withVectors((op) => {
      const form = formOf(op, isScalar);
      const [a, b] = [op.code.let(op.readVector("Rn")), op.code.let(op.readVector("Rm"))];
      op.writeVector("Rd", keep(form, define(op, form, a, b)));
    });

/** Neighbouring elements of the first operand, then of the second. */
const pairwise =
  (define: Definition): Definition =>
  (op, form, a, b) => {
    const [first, second] = form.extent === "whole" ? [a, b] : [op.code.let(joinLow(a, b)), ZERO];
    const evens = op.code.let(everySecond(form.size, first, second, 0));
    const odds = op.code.let(everySecond(form.size, first, second, 1));
    return define(op, form, evens, odds);
  };

const one = i32.of(1);
const halve = (form: Form, sign: Signedness, a: Vector) => shiftBy(form, `shr_${sign}`, a, one);

/** Half a sum: what both have, and half of what one of them has. */
const halvingAdd =
  (sign: Signedness): Definition =>
  (_, form, a, b) =>
    add(form, and(a, b), halve(form, sign, xor(a, b)));

/** Rounded up: what one of them has, less half of what both have not. */
const roundingHalvingAdd =
  (sign: Signedness): Definition =>
  (_, form, a, b) => {
    const prefix = narrowPrefixOf(form);
    if (sign === "u" && prefix !== "i32x4") return v128.binary(`${prefix}.avgr_u`, a, b);
    return sub(form, or(a, b), halve(form, sign, xor(a, b)));
  };

const halvingSubtract =
  (sign: Signedness): Definition =>
  (_, form, a, b) =>
    sub(form, halve(form, sign, xor(a, b)), andNot(b, a));

const saturating =
  (name: "add" | "sub", sign: Signedness): Definition =>
  (op, form, a, b) =>
    settled(op, form, saturatingSum(op, form, name, sign, [a, b]));

export const difference = (form: Pick<Form, "size">, sign: Signedness, a: Vector, b: Vector): Vector =>
  sub(form, extreme(form, "max", sign, a, b), extreme(form, "min", sign, a, b));

const extremeOf =
  (name: "max" | "min", sign: Signedness): Definition =>
  (_, form, a, b) =>
    extreme(form, name, sign, a, b);

const compareBy =
  (name: "gt" | "ge", sign: Signedness): Definition =>
  (_, form, a, b) =>
    compare(form, name, sign, a, b);

/** The upper halves of doubled products. */
const multiplyHigh =
  (rounds: boolean): Definition =>
  (op, form, a, b) => {
    const least = () => replicated(form, lowest(form));
    const where = op.code.let(and(binary(form, "eq", a, least()), binary(form, "eq", b, least())));
    noteSaturation(op, form, where);
    if (rounds && form.size === 1) return v128.binary("i16x8.q15mulr_sat_s", a, b);
    const wide = widened(form);
    const products = (isHigh: boolean): Vector => {
      const doubled = shiftBy(wide, "shl", multiplyLong(form, "s", isHigh, a, b), one);
      return rounds ? add(wide, doubled, replicated(wide, lowest(form))) : doubled;
    };
    const high = form.extent === "whole" ? products(true) : ZERO;
    return xor(everySecond(form.size, products(false), high, 1), where);
  };

/** Products without carries, of bytes as 16 bits: one factor times each bit of the other. */
export function multiplyPolynomials(op: Operation, isHigh: boolean, a: Vector, b: Vector): Vector {
  const half = isHigh ? "high" : "low";
  const [x, y] = [a, b].map((bytes) => op.code.let(v128.unary(`i16x8.extend_${half}_i8x16_u`, bytes))) as [
    Vector,
    Vector,
  ];
  let sum = ZERO;
  for (let bit = 0; bit < 8; bit++) {
    const product = v128.binary("i16x8.mul", x, and(y, v128.replicated(1n << BigInt(bit), 16)));
    sum = bit === 0 ? product : xor(sum, product);
  }
  return sum;
}

const polynomials: Definition = (op, form, a, b) => {
  const high = form.extent === "whole" ? multiplyPolynomials(op, true, a, b) : ZERO;
  return everySecond(0, multiplyPolynomials(op, false, a, b), high, 0);
};

/** Those that have a form "by element" too. */
export const MULTIPLICATIONS: Readonly<Record<string, Definition>> = {
  MUL: (_, form, a, b) => multiply(form, a, b),
  MLA: (op, form, a, b) => add(form, op.readVector("Rd"), multiply(form, a, b)),
  MLS: (op, form, a, b) => sub(form, op.readVector("Rd"), multiply(form, a, b)),
};
export const HIGH_MULTIPLICATIONS: Readonly<Record<string, Definition>> = {
  SQDMULH: multiplyHigh(false),
  SQRDMULH: multiplyHigh(true),
};

const VECTORS_ALONE: Readonly<Record<string, Definition>> = {
  ...MULTIPLICATIONS,
  SHADD: halvingAdd("s"),
  UHADD: halvingAdd("u"),
  SRHADD: roundingHalvingAdd("s"),
  URHADD: roundingHalvingAdd("u"),
  SHSUB: halvingSubtract("s"),
  UHSUB: halvingSubtract("u"),
  SMAX: extremeOf("max", "s"),
  UMAX: extremeOf("max", "u"),
  SMIN: extremeOf("min", "s"),
  UMIN: extremeOf("min", "u"),
  SABD: (_, form, a, b) => difference(form, "s", a, b),
  UABD: (_, form, a, b) => difference(form, "u", a, b),
  SABA: (op, form, a, b) => add(form, op.readVector("Rd"), difference(form, "s", a, b)),
  UABA: (op, form, a, b) => add(form, op.readVector("Rd"), difference(form, "u", a, b)),
  SMAXP: pairwise(extremeOf("max", "s")),
  UMAXP: pairwise(extremeOf("max", "u")),
  SMINP: pairwise(extremeOf("min", "s")),
  UMINP: pairwise(extremeOf("min", "u")),
  ADDP: pairwise((_, form, a, b) => add(form, a, b)),
  PMUL: polynomials,
};

const BOTH: Readonly<Record<string, Definition>> = {
  ...HIGH_MULTIPLICATIONS,
  ADD: (_, form, a, b) => add(form, a, b),
  SUB: (_, form, a, b) => sub(form, a, b),
  SQADD: saturating("add", "s"),
  UQADD: saturating("add", "u"),
  SQSUB: saturating("sub", "s"),
  UQSUB: saturating("sub", "u"),
  CMEQ: (_, form, a, b) => binary(form, "eq", a, b),
  CMTST: (_, form, a, b) => binary(form, "ne", and(a, b), ZERO),
  CMGT: compareBy("gt", "s"),
  CMGE: compareBy("ge", "s"),
  CMHI: compareBy("gt", "u"),
  CMHS: compareBy("ge", "u"),
  SSHL: shiftEach({ sign: "s" }),
  USHL: shiftEach({ sign: "u" }),
  SRSHL: shiftEach({ sign: "s", rounds: true }),
  URSHL: shiftEach({ sign: "u", rounds: true }),
  SQSHL: shiftEach({ sign: "s", saturates: true }),
  UQSHL: shiftEach({ sign: "u", saturates: true }),
  SQRSHL: shiftEach({ sign: "s", rounds: true, saturates: true }),
  UQRSHL: shiftEach({ sign: "u", rounds: true, saturates: true }),
};

/** Of vectors of bits. */
const logical = (define: (op: Operation, a: Vector, b: Vector) => Vector): Semantics =>
  withVectors((op) => {
    const extent = extentOf(op);
    op.writeVector("Rd", keep({ size: 0, extent }, define(op, op.readVector("Rn"), op.readVector("Rm"))));
  });

/** Of one register with itself it is the MOV of vectors. */
const inclusiveOr = withVectors((op) => {
  const extent = extentOf(op);
  const isMove = op.choose("moves", ({ fields: { Rn, Rm } }) => (Rn === Rm ? 1 : 0)) === 1;
  const value = isMove ? op.readVector("Rn") : or(op.readVector("Rn"), op.readVector("Rm"));
  op.writeVector("Rd", keep({ size: 0, extent }, value));
});

export const SIMD_THREE_SAME: SemanticsTable = {
  ...named({ ...VECTORS_ALONE, ...BOTH }, "(vector)", threeSame(false)),
  ...named(BOTH, "(SIMD scalar)", threeSame(true)),
  "AND (vector)": logical((_, a, b) => and(a, b)),
  "BIC (vector)": logical((_, a, b) => andNot(a, b)),
  "ORR (vector)": inclusiveOr,
  "ORN (vector)": logical((_, a, b) => or(a, v128.unary("v128.not", b))),
  "EOR (vector)": logical((_, a, b) => xor(a, b)),
  "BSL (vector)": logical((op, a, b) => v128.bitselect(a, b, op.readVector("Rd"))),
  "BIT (vector)": logical((op, a, b) => v128.bitselect(a, op.readVector("Rd"), b)),
  "BIF (vector)": logical((op, a, b) => v128.bitselect(op.readVector("Rd"), a, b)),
};
