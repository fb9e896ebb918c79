/**
 * Vectors of floating-point numbers as definitions see them. What is narrower than a register is repeated until it fills one,
 * so that no lane computes with anything else; the result's other lanes become zero.
 */
import { fusedDoublePair, fusedSingleQuad, multiplyAddDoubles, multiplyAddSingles } from "../float/fused.ts";
import { FLOAT_LIMIT } from "../float/limits.ts";
import { STATE } from "../layout.ts";
import type { Expr } from "../wasm/expression.ts";
import { f32, f64, i32 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import { type Arithmetic, NORMAL_MIN, type Shape } from "./float-shape.ts";
import type { Operation } from "./operation.ts";

export type Vector = Expr<"v128">;

export interface VectorShape extends Shape<"v128"> {
  readonly isDouble: boolean;
  /** Lanes that the instruction has; 1 is a scalar in a vector's place. */
  readonly lanes: 1 | 2 | 4;
  /** Repeated until it fills a register. */
  readonly filled: (op: Operation, value: Vector) => Vector;
  /** The same number in each lane. */
  readonly of: (value: number) => Vector;
  readonly splat: (value: Expr<"f64">) => Vector;
  /** All ones where the comparison holds. */
  readonly compare: (name: "eq" | "ge" | "gt", a: Vector, b: Vector) => Vector;
  readonly allTrue: (mask: Vector) => Expr<"i32">;
}

const REGISTER_BYTES = 16;

/** Lanes of two vectors: those of the first from 0 on, then those of the second. */
export function pick(a: Vector, b: Vector, laneBytes: number, lanes: readonly number[]): Vector {
  const bytes = lanes.flatMap((lane) => Array.from({ length: laneBytes }, (_, byte) => lane * laneBytes + byte));
  return v128.shuffle(a, b, bytes);
}

/** The lowest bytes of a vector, again and again. */
function repeated(op: Operation, value: Vector, bytes: number): Vector {
  if (bytes === REGISTER_BYTES) return op.code.let(value);
  const whole = op.code.let(value);
  return op.code.let(pick(whole, whole, bytes, new Array<number>(REGISTER_BYTES / bytes).fill(0)));
}

/** All but the lowest bytes become zero. */
function cleared(value: Vector, bytes: number): Vector {
  if (bytes === REGISTER_BYTES) return value;
  return v128.binary("v128.and", value, v128.of((1n << BigInt(8 * bytes)) - 1n));
}

const arithmeticOf = (prefix: "f32x4" | "f64x2"): Arithmetic<"v128"> => ({
  add: (a, b) => v128.binary(`${prefix}.add`, a, b),
  sub: (a, b) => v128.binary(`${prefix}.sub`, a, b),
  mul: (a, b) => v128.binary(`${prefix}.mul`, a, b),
  div: (a, b) => v128.binary(`${prefix}.div`, a, b),
  min: (a, b) => v128.binary(`${prefix}.min`, a, b),
  max: (a, b) => v128.binary(`${prefix}.max`, a, b),
  sqrt: (a) => v128.unary(`${prefix}.sqrt`, a),
  abs: (a) => v128.unary(`${prefix}.abs`, a),
  neg: (a) => v128.unary(`${prefix}.neg`, a),
  ceil: (a) => v128.unary(`${prefix}.ceil`, a),
  floor: (a) => v128.unary(`${prefix}.floor`, a),
  trunc: (a) => v128.unary(`${prefix}.trunc`, a),
  nearest: (a) => v128.unary(`${prefix}.nearest`, a),
});

const anyTrue = (mask: Vector) => v128.test("v128.any_true", mask);
const or = (a: Vector, b: Vector) => v128.binary("v128.or", a, b);
const and = (a: Vector, b: Vector) => v128.binary("v128.and", a, b);

/** By a lane's upper 32 bits, as `FloatLimit` says; every lane counts at once, of doubles its upper half. */
function hasUnsureLane(isDouble: boolean, value: Vector): Expr<"i32"> {
  const { bias } = isDouble ? FLOAT_LIMIT.f64 : FLOAT_LIMIT.f32;
  const limits = v128.loadSplat32(i32.of(0), isDouble ? STATE.floatLimit64 : STATE.floatLimit32);
  const doubled = v128.binary("i32x4.add", value, value);
  const moved = v128.binary("i32x4.add", doubled, v128.splat("i32x4.splat", i32.of(bias)));
  const areSure = v128.binary("i32x4.lt_s", moved, limits);
  return isDouble
    ? i32.ne(v128.test("i64x2.bitmask", areSure), i32.of(0b11))
    : i32.ne(v128.test("i32x4.bitmask", areSure), i32.of(0b1111));
}

function make(isDouble: boolean, lanes: 1 | 2 | 4): VectorShape {
  const prefix = isDouble ? "f64x2" : "f32x4";
  const bytes = lanes * (isDouble ? 8 : 4);
  const parts = arithmeticOf(prefix);
  const splat = (value: Expr<"f64">) =>
    isDouble ? v128.splat("f64x2.splat", value) : v128.splat("f32x4.splat", f32.demote(value));
  const of = (value: number) =>
    isDouble ? v128.splat("f64x2.splat", f64.of(value)) : v128.splat("f32x4.splat", f32.of(value));
  const allTrue = (mask: Vector) => v128.test(isDouble ? "i64x2.all_true" : "i32x4.all_true", mask);
  const isNan = (value: Vector) => v128.binary(`${prefix}.ne`, value, value);
  return {
    ...parts,
    name: prefix,
    type: "v128",
    format: isDouble ? "double" : "single",
    isDouble,
    lanes,
    of,
    splat,
    allTrue,
    filled: (op, value) => repeated(op, value, bytes),
    compare: (name, a, b) => v128.binary(`${prefix}.${name}`, a, b),
    read: (op, field) => repeated(op, op.readVector(field), bytes),
    write: (op, field, value) => op.writeVector(field, cleared(value, bytes)),
    roundAway: (a) => {
      const sign = () => and(a, of(-0));
      const isHalf = v128.binary(`${prefix}.ge`, parts.abs(parts.sub(a, parts.trunc(a))), of(0.5));
      return or(parts.add(parts.trunc(a), and(isHalf, or(of(1), sign()))), sign());
    },
    multiplyAdd: isDouble ? multiplyAddDoubles : multiplyAddSingles,
    fused: isDouble ? fusedDoublePair : fusedSingleQuad,
    hasNan: (value) => anyTrue(isNan(value)),
    eitherHasNan: (a, b) => anyTrue(or(isNan(a), isNan(b))),
    hasDenormal: (value) => {
      const smallest = of(isDouble ? NORMAL_MIN.double : NORMAL_MIN.single);
      const isSmall = v128.binary(`${prefix}.lt`, parts.abs(value), smallest);
      return anyTrue(and(isSmall, v128.binary(`${prefix}.ne`, value, of(0))));
    },
    allEqual: (a, b) => allTrue(v128.binary(`${prefix}.eq`, a, b)),
    isUnsure: (_, result) => hasUnsureLane(isDouble, result),
    exact: (op, code, [a = v128.of(0n), b = v128.of(0n), c = v128.of(0n)]) =>
      op.call("v128", `${prefix}.exact`, code, a, b, c),
  };
}

export const VECTORS = {
  single1: make(false, 1),
  single2: make(false, 2),
  single4: make(false, 4),
  double1: make(true, 1),
  double2: make(true, 2),
} as const;

/** The shape of an instruction with a field `sz` and, for vectors, a field `Q`. */
export function selectShape(op: Operation, isScalar: boolean): VectorShape {
  const isDouble = op.select("sz") === 1;
  if (isScalar) return isDouble ? VECTORS.double1 : VECTORS.single1;
  if (isDouble) return VECTORS.double2;
  return op.select("Q") === 1 ? VECTORS.single4 : VECTORS.single2;
}
