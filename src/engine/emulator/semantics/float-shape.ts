/** Floating-point operands as definitions see them: scalars of both widths, and vectors (`float-vector.ts`). */
import { FPCR } from "../float/environment.ts";
import { type ExactOperation, exactCode } from "../float/exact.ts";
import type { FloatShape as ShapeName } from "../float/functions.ts";
import {
  type Fused,
  fusedDouble,
  fusedSingle,
  multiplyAddDouble,
  multiplyAddSingle,
  type Operands,
} from "../float/fused.ts";
import { FLOAT_LIMIT, type FloatLimit, NO_FLOAT, UNLIKE_WEBASSEMBLY } from "../float/limits.ts";
import { STATE } from "../layout.ts";
import type { Code } from "../wasm/code.ts";
import {
  type Expr,
  type Float,
  type FloatType,
  f32,
  f64,
  i32,
  i64,
  select,
  type ValueType,
} from "../wasm/expression.ts";
import { roundsOnce } from "../wasm/relaxed.ts";
import type { Operation } from "./operation.ts";

type Unary<T extends ValueType> = (a: Expr<T>) => Expr<T>;
type Binary<T extends ValueType> = (a: Expr<T>, b: Expr<T>) => Expr<T>;

/** Operations that WebAssembly has for every shape. */
export interface Arithmetic<T extends ValueType> {
  readonly add: Binary<T>;
  readonly sub: Binary<T>;
  readonly mul: Binary<T>;
  readonly div: Binary<T>;
  readonly min: Binary<T>;
  readonly max: Binary<T>;
  readonly sqrt: Unary<T>;
  readonly abs: Unary<T>;
  readonly neg: Unary<T>;
  readonly ceil: Unary<T>;
  readonly floor: Unary<T>;
  readonly trunc: Unary<T>;
  readonly nearest: Unary<T>;
}

export interface Shape<T extends ValueType> extends Arithmetic<T> {
  readonly name: ShapeName;
  readonly type: T;
  readonly format: "single" | "double";
  /** Can be used more than once. */
  readonly read: (op: Operation, field: string) => Expr<T>;
  /** The rest of the register becomes zero. */
  readonly write: (op: Operation, field: string, value: Expr<T>) => void;
  /** Half away from zero; the operand can be used more than once. */
  readonly roundAway: Unary<T>;
  /** The second and third multiplied and added to the first, where the host `roundsOnce`. */
  readonly multiplyAdd: (operands: Operands<T>) => Expr<T>;
  /** The same on every host; the operands can be used more than once. */
  readonly fused: (code: Code, operands: Operands<T>) => Fused<T>;
  /** A value that can be used more than once has a NaN. */
  readonly hasNan: (value: Expr<T>) => Expr<"i32">;
  /** Two values that can be used more than once have a NaN. */
  readonly eitherHasNan: (a: Expr<T>, b: Expr<T>) => Expr<"i32">;
  /** A value that can be used more than once has a denormal. */
  readonly hasDenormal: (value: Expr<T>) => Expr<"i32">;
  /** Values are equal in every lane. */
  readonly allEqual: (a: Expr<T>, b: Expr<T>) => Expr<"i32">;
  /** What WebAssembly computed need not be the architecture's result, or would set a flag that is not set. */
  readonly isUnsure: (op: Operation, result: Expr<T>) => Expr<"i32">;
  /** By the software; missing operands do not matter. */
  readonly exact: (op: Operation, code: Expr<"i32">, operands: readonly Expr<T>[]) => Expr<T>;
}

const ZERO = i32.of(0);
/** The least numbers that are not denormal. */
export const NORMAL_MIN = { single: 2 ** -126, double: 2 ** -1022 } as const;

/** FPCR.FZ: denormal operands and results become zero. */
export const flushes = (op: Operation): Expr<"i32"> => i32.and(op.readFpcr(), i32.of(FPCR.flushes));
/** FPCR asks for another rounding than to nearest, or to flush to zero. */
export const isUnlikeWebAssembly = (op: Operation): Expr<"i32"> => i32.and(op.readFpcr(), i32.of(UNLIKE_WEBASSEMBLY));
/** Normal results are WebAssembly's, and FPSR.IXC is set. */
export const isFree = (): Expr<"i32"> => i32.ne(i32.load(ZERO, STATE.floatLimit64), i32.of(NO_FLOAT));

interface Scalar<T extends FloatType> {
  readonly type: Float<T>;
  readonly multiplyAdd: (operands: Operands<T>) => Expr<T>;
  readonly fused: (code: Code, operands: Operands<T>) => Fused<T>;
  readonly format: "single" | "double";
  /** The upper 32 bits. */
  readonly high: (value: Expr<T>) => Expr<"i32">;
  readonly limit: FloatLimit;
  /** Where the limit in force lies in the state. */
  readonly limitAt: number;
  readonly toBits: (value: Expr<T>) => Expr<"i64">;
  readonly fromBits: (bits: Expr<"i64">) => Expr<T>;
}

function scalarShape<T extends FloatType>(scalar: Scalar<T>): Shape<T> {
  const { type, format, high, limit, limitAt, toBits, fromBits } = scalar;
  return {
    ...type,
    name: type.type,
    type: type.type,
    format,
    read: (op, field) => op.code.let(op.readFloat(type, field)),
    write: (op, field, value) => op.writeFloat(type, field, value),
    roundAway: (a) => {
      const isHalf = type.ge(type.abs(type.sub(a, type.trunc(a))), type.of(0.5));
      const step = select(isHalf, type.copysign(type.of(1), a), type.of(0));
      return type.copysign(type.add(type.trunc(a), step), a);
    },
    multiplyAdd: scalar.multiplyAdd,
    fused: scalar.fused,
    hasNan: (value) => type.ne(value, value),
    eitherHasNan: (a, b) => i32.eqz(i32.or(type.le(a, b), type.ge(a, b))),
    hasDenormal: (value) => {
      const smallest = type.of(format === "double" ? NORMAL_MIN.double : NORMAL_MIN.single);
      return i32.and(type.lt(type.abs(value), smallest), type.ne(value, type.of(0)));
    },
    allEqual: type.eq,
    isUnsure: (_, result) =>
      i32.geS(i32.add(i32.shl(high(result), i32.of(1)), i32.of(limit.bias)), i32.load(ZERO, limitAt)),
    exact: (op, code, operands) => {
      const [a, b, c] = [0, 1, 2].map((index) => {
        const operand = operands[index];
        return operand === undefined ? i64.of(0n) : toBits(operand);
      }) as [Expr<"i64">, Expr<"i64">, Expr<"i64">];
      return fromBits(op.call("i64", "exact", code, a, b, c));
    },
  };
}

export const SINGLE_BITS = {
  to: (value: Expr<"f32">): Expr<"i64"> => i64.extendU(i32.reinterpret(value)),
  from: (bits: Expr<"i64">): Expr<"f32"> => f32.reinterpret(i32.wrap(bits)),
} as const;
export const DOUBLE_BITS = {
  to: (value: Expr<"f64">): Expr<"i64"> => i64.reinterpret(value),
  from: (bits: Expr<"i64">): Expr<"f64"> => f64.reinterpret(bits),
} as const;

export const SINGLE: Shape<"f32"> = scalarShape({
  type: f32,
  multiplyAdd: multiplyAddSingle,
  fused: fusedSingle,
  format: "single",
  high: i32.reinterpret,
  limit: FLOAT_LIMIT.f32,
  limitAt: STATE.floatLimit32,
  toBits: SINGLE_BITS.to,
  fromBits: SINGLE_BITS.from,
});
export const DOUBLE: Shape<"f64"> = scalarShape({
  type: f64,
  multiplyAdd: multiplyAddDouble,
  fused: fusedDouble,
  format: "double",
  high: (value) => i32.wrap(i64.shrU(i64.reinterpret(value), i64.of(32n))),
  limit: FLOAT_LIMIT.f64,
  limitAt: STATE.floatLimit64,
  toBits: DOUBLE_BITS.to,
  fromBits: DOUBLE_BITS.from,
});

/** The number of an operation of this shape, for `Shape.exact`. */
export function codeOf<T extends ValueType>(
  { format }: Shape<T>,
  operation: ExactOperation,
  options: Omit<Parameters<typeof exactCode>[1], "format"> = {},
): Expr<"i32"> {
  return i32.of(exactCode(operation, { format, ...options }));
}

/** A value, or another one where a condition that looks at it holds. */
export function unless<T extends ValueType>(
  op: Operation,
  value: Expr<T>,
  isWrong: (value: Expr<T>) => Expr<"i32">,
  otherwise: () => Expr<T>,
): Expr<T> {
  const { code } = op;
  const result = code.local(value.type);
  code.set(result, value);
  code.rarely(isWrong(code.get(result)), () => code.set(result, otherwise()));
  return code.get(result);
}

/**
 * What WebAssembly computes, exactly, of operands without NaNs or denormals that FPCR.FZ makes zero; else what the software
 * does. The operands can be used more than once.
 */
export function unlessNan<T extends ValueType>(
  op: Operation,
  shape: Shape<T>,
  value: Expr<T>,
  operands: readonly [Expr<T>, Expr<T>] | readonly [Expr<T>],
  otherwise: Expr<"i32">,
): Expr<T> {
  const { code } = op;
  const [a, b] = operands;
  const result = code.local(value.type);
  const hasNan = () => (b === undefined ? shape.hasNan(a) : shape.eitherHasNan(a, b));
  code.set(result, value);
  code.rarely(i32.or(flushes(op), hasNan()), () => {
    const denormals = operands.map((operand) => shape.hasDenormal(operand));
    code.if(
      denormals.reduce((all, has) => i32.or(all, has), hasNan()),
      () => {
        code.set(result, shape.exact(op, otherwise, operands));
      },
    );
  });
  return code.get(result);
}

/** An operation of which the library has an own function. */
export function arithmetic<T extends ValueType>(
  op: Operation,
  shape: Shape<T>,
  name: "add" | "sub" | "mul" | "div",
  a: Expr<T>,
  b: Expr<T>,
): Expr<T> {
  return unless(
    op,
    shape[name](a, b),
    (result) => shape.isUnsure(op, result),
    () => op.call(shape.type, `${shape.name}.${name}`, a, b),
  );
}

export function squareRoot<T extends ValueType>(op: Operation, shape: Shape<T>, a: Expr<T>): Expr<T> {
  return unless(
    op,
    shape.sqrt(a),
    (result) => shape.isUnsure(op, result),
    () => op.call(shape.type, `${shape.name}.sqrt`, a),
  );
}

/** A sum or product that differs from WebAssembly's in more than rounding. */
export function arithmeticBy<T extends ValueType>(
  op: Operation,
  shape: Shape<T>,
  operation: "abd" | "mulx",
  a: Expr<T>,
  b: Expr<T>,
): Expr<T> {
  const plain = operation === "abd" ? shape.abs(shape.sub(a, b)) : shape.mul(a, b);
  return unless(
    op,
    plain,
    (result) => shape.isUnsure(op, result),
    () => shape.exact(op, codeOf(shape, operation), [a, b]),
  );
}

/** FMAX, FMIN, FMAXNM and FMINNM: alike where there is no NaN. */
export function extreme<T extends ValueType>(
  op: Operation,
  shape: Shape<T>,
  operation: "max" | "min" | "maxnm" | "minnm",
  a: Expr<T>,
  b: Expr<T>,
): Expr<T> {
  const isMax = operation.startsWith("max");
  const plain = isMax ? shape.max(a, b) : shape.min(a, b);
  return unlessNan(op, shape, plain, [a, b], codeOf(shape, operation));
}

/** A product of `a` and `b` added to `addend`, rounded once. */
export function multiplyAdd<T extends ValueType>(
  op: Operation,
  shape: Shape<T>,
  addend: Expr<T>,
  a: Expr<T>,
  b: Expr<T>,
): Expr<T> {
  const { code } = op;
  const inLibrary = () => op.call(shape.type, `${shape.name}.fma`, addend, a, b);
  if (roundsOnce()) {
    return unless(op, shape.multiplyAdd([addend, a, b]), (result) => shape.isUnsure(op, result), inLibrary);
  }
  const { result, isSure } = shape.fused(code, [addend, a, b]);
  return unless(op, result, () => i32.eqz(i32.and(isFree(), isSure)), inLibrary);
}

/** The modes of FRINT and FCVT by their letters. */
export const MODES = { N: 0, P: 1, M: 2, Z: 3, A: 4 } as const;
export type Mode = keyof typeof MODES;

/** To an integral number, as WebAssembly does it; the operand can be used more than once. */
export function toIntegral<T extends ValueType>(shape: Shape<T>, mode: Mode, a: Expr<T>): Expr<T> {
  switch (mode) {
    case "N":
      return shape.nearest(a);
    case "P":
      return shape.ceil(a);
    case "M":
      return shape.floor(a);
    case "Z":
      return shape.trunc(a);
    case "A":
      return shape.roundAway(a);
  }
}

/** FRINT*. @param letter X and I round as FPCR says, and X raises Inexact. */
export function roundToIntegral<T extends ValueType>(
  op: Operation,
  shape: Shape<T>,
  letter: Mode | "X" | "I",
  a: Expr<T>,
): Expr<T> {
  const ofFpcr = letter === "X" || letter === "I";
  const code = codeOf(shape, "toIntegral", ofFpcr ? { signals: letter === "X" } : { rounding: MODES[letter] });
  const plain = toIntegral(shape, ofFpcr ? "N" : letter, a);
  if (!ofFpcr) return unlessNan(op, shape, plain, [a], code);
  return unless(
    op,
    plain,
    (result) => i32.or(letter === "X" ? i32.eqz(isFree()) : isUnlikeWebAssembly(op), shape.hasNan(result)),
    () => shape.exact(op, code, [a]),
  );
}
