/** Floating point of scalars, but for conversions (Arm ARM, C7). */
import { exactCode } from "../float/exact.ts";
import { expandImmediate } from "../float/immediate.ts";
import { type Expr, type Float, type FloatType, f32, f64, i32, i64, select } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import {
  arithmetic,
  DOUBLE,
  extreme,
  flushes,
  multiplyAdd,
  roundToIntegral,
  type Shape,
  SINGLE,
  squareRoot,
} from "./float-shape.ts";
import { field } from "./integer.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";

/** Runs a definition for both widths of an instruction with a field `sz`. */
export function byWidth(
  define: <T extends FloatType>(op: Operation, shape: Shape<T>, type: Float<T>) => void,
): Semantics {
  return (op) => {
    op.requireVectors();
    if (op.select("sz") === 1) define(op, DOUBLE, f64);
    else define(op, SINGLE, f32);
  };
}

const withVectors = (define: Semantics): Semantics => {
  return (op) => {
    op.requireVectors();
    define(op);
  };
};

type UnaryDefinition = <T extends FloatType>(op: Operation, shape: Shape<T>, a: Expr<T>) => Expr<T>;
type BinaryDefinition = <T extends FloatType>(op: Operation, shape: Shape<T>, a: Expr<T>, b: Expr<T>) => Expr<T>;

const unary = (define: UnaryDefinition): Semantics =>
  byWidth((op, shape) => shape.write(op, "Rd", define(op, shape, shape.read(op, "Rn"))));

const binary = (define: BinaryDefinition): Semantics =>
  byWidth((op, shape) => shape.write(op, "Rd", define(op, shape, shape.read(op, "Rn"), shape.read(op, "Rm"))));

/** @param negatesProduct of FMSUB and FNMADD. @param negatesAddend of FNMADD and FNMSUB. */
const fused = (negatesProduct: boolean, negatesAddend: boolean): Semantics =>
  byWidth((op, shape) => {
    const [a, b, addend] = [shape.read(op, "Rn"), shape.read(op, "Rm"), shape.read(op, "Ra")];
    const x = negatesProduct ? op.code.let(shape.neg(a)) : a;
    const y = negatesAddend ? op.code.let(shape.neg(addend)) : addend;
    shape.write(op, "Rd", multiplyAdd(op, shape, y, x, b));
  });

/** Flags of a comparison, whose exceptions go to FPSR. */
function compare<T extends FloatType>(
  op: Operation,
  shape: Shape<T>,
  type: Float<T>,
  operands: readonly [Expr<T>, Expr<T>],
  signals: boolean,
): void {
  const { code } = op;
  const [a, b] = [code.local(type.type), code.local(type.type)];
  code.set(a, operands[0]);
  code.set(b, operands[1]);
  const isUnordered = () => shape.eitherHasNan(code.get(a), code.get(b));
  code.rarely(i32.or(flushes(op), isUnordered()), () => {
    const { format } = shape;
    const hasDenormal = i32.or(shape.hasDenormal(code.get(a)), shape.hasDenormal(code.get(b)));
    code.if(i32.or(isUnordered(), hasDenormal), () => {
      const compared = shape.exact(op, i32.of(exactCode("compare", { format, signals })), [code.get(a), code.get(b)]);
      code.drop(compared);
      for (const operand of [a, b]) {
        code.set(operand, shape.exact(op, i32.of(exactCode("flush", { format })), [code.get(operand)]));
      }
    });
  });
  op.setFlagsOfFloats(type, code.get(a), code.get(b));
}

const comparison = (signals: boolean, withZero: boolean): Semantics =>
  byWidth((op, shape, type) => {
    const b = withZero ? type.of(0) : shape.read(op, "Rm");
    compare(op, shape, type, [shape.read(op, "Rn"), b], signals);
  });

const conditional = (signals: boolean): Semantics =>
  byWidth((op, shape, type) => {
    const holds = op.condition(op.select("cond"));
    op.code.if(
      holds,
      () => compare(op, shape, type, [shape.read(op, "Rn"), shape.read(op, "Rm")], signals),
      () => {
        const bit = (number: number) => op.code.let(op.i32((fields) => (field(fields, "nzcv") >> number) & 1));
        const n = op.code.let(i64.sub(i64.of(0n), i64.extendU(bit(3))));
        const z = op.code.let(i64.extendU(i32.eqz(bit(2))));
        op.setFlags(n, z, bit(1), bit(0));
      },
    );
  });

const TOP_LANE = 1;

export const FLOATING_POINT: SemanticsTable = {
  "FMOV (scalar)": unary((_, __, a) => a),
  "FABS (scalar)": unary((_, shape, a) => shape.abs(a)),
  "FNEG (scalar)": unary((_, shape, a) => shape.neg(a)),
  "FSQRT (scalar)": unary(squareRoot),
  ...Object.fromEntries(
    (["N", "P", "M", "Z", "A", "X", "I"] as const).map((letter) => [
      `FRINT${letter} (scalar)`,
      unary((op, shape, a) => roundToIntegral(op, shape, letter, a)),
    ]),
  ),
  "FADD (scalar)": binary((op, shape, a, b) => arithmetic(op, shape, "add", a, b)),
  "FSUB (scalar)": binary((op, shape, a, b) => arithmetic(op, shape, "sub", a, b)),
  "FMUL (scalar)": binary((op, shape, a, b) => arithmetic(op, shape, "mul", a, b)),
  "FDIV (scalar)": binary((op, shape, a, b) => arithmetic(op, shape, "div", a, b)),
  "FNMUL (scalar)": binary((op, shape, a, b) => shape.neg(arithmetic(op, shape, "mul", a, b))),
  "FMAX (scalar)": binary((op, shape, a, b) => extreme(op, shape, "max", a, b)),
  "FMIN (scalar)": binary((op, shape, a, b) => extreme(op, shape, "min", a, b)),
  "FMAXNM (scalar)": binary((op, shape, a, b) => extreme(op, shape, "maxnm", a, b)),
  "FMINNM (scalar)": binary((op, shape, a, b) => extreme(op, shape, "minnm", a, b)),
  FMADD: fused(false, false),
  FMSUB: fused(true, false),
  FNMADD: fused(true, true),
  FNMSUB: fused(false, true),
  FCMP: comparison(false, false),
  "FCMP (zero)": comparison(false, true),
  FCMPE: comparison(true, false),
  "FCMPE (zero)": comparison(true, true),
  FCCMP: conditional(false),
  FCCMPE: conditional(true),
  FCSEL: byWidth((op, shape) => {
    const holds = op.condition(op.select("cond"));
    shape.write(op, "Rd", op.code.let(select(holds, shape.read(op, "Rn"), shape.read(op, "Rm"))));
  }),
  "FMOV (scalar, immediate)": byWidth((op, shape) => {
    const bits = op.i64((fields) => bitsOf(shape.format, expandImmediate(field(fields, "imm8"))));
    op.writeFloat(f64, "Rd", f64.reinterpret(bits));
  }),
  "FMOV (s to w)": withVectors((op) => op.write(i32, "Rd", i32.reinterpret(op.readFloat(f32, "Rn")))),
  "FMOV (w to s)": withVectors((op) => op.writeFloat(f32, "Rd", f32.reinterpret(op.read(i32, "Rn")))),
  "FMOV (d to x)": withVectors((op) => op.write(i64, "Rd", i64.reinterpret(op.readFloat(f64, "Rn")))),
  "FMOV (x to d)": withVectors((op) => op.writeFloat(f64, "Rd", f64.reinterpret(op.read(i64, "Rn")))),
  "FMOV (top half to x)": withVectors((op) => {
    op.write(i64, "Rd", v128.extract("i64x2.extract_lane", op.readVector("Rn"), TOP_LANE));
  }),
  "FMOV (x to top half)": withVectors((op) => {
    const value = v128.replace("i64x2.replace_lane", op.readVector("Rd"), TOP_LANE, op.read(i64, "Rn"));
    op.writeVector("Rd", value);
  }),
};

function bitsOf(format: "single" | "double", value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (format === "single") view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return view.getBigUint64(0, true);
}
