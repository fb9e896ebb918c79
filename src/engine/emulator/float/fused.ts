/**
 * Fused multiplication and addition, for which WebAssembly has an instruction on some hosts alone (`wasm/relaxed.ts`). On others
 * of singles in double precision, of doubles as a
 * sum of three parts (S. Boldo and G. Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE Transactions on
 * Computers 57, 2008). Here is what is short enough for generated code; where it is not sure, the library goes on.
 */
import type { Code } from "../wasm/code.ts";
import { type Expr, f32, f64, i32, i64, type ValueType } from "../wasm/expression.ts";
import { relaxedMultiplyAdd } from "../wasm/relaxed.ts";
import { type BinaryName, type UnaryName, v128 } from "../wasm/vector.ts";

/** A result to nearest, and whether it surely is that, and neither infinite nor, before it was rounded, denormal. */
export interface Fused<T extends ValueType> {
  readonly result: Expr<T>;
  readonly isSure: Expr<"i32">;
}

type V = Expr<"v128">;
export type Operands<T extends ValueType> = readonly [addend: Expr<T>, a: Expr<T>, b: Expr<T>];

/** Of a double that lies between two singles, as far from both: its lowest bits. */
const BELOW_SINGLE = 0x1fff_ffffn;
const MIDDLE = 0x1000_0000n;

/** Veltkamp's: cuts a double into halves of 26 bits. Where it overflows, all that follows is no number. */
const SPLITTER = 2 ** 27 + 1;
/** Below, a product's lower part could lose bits. */
export const PRODUCT_MIN = 2 ** -890;
const SINGLE_MIN = 2 ** -125;
/** More than the lower part, itself rounded, can be off. */
const DOUBT = 2 ** -51;

/** Doubles by themselves or two at a time; a mask tells of each whether something holds. */
export interface Doubles<T extends ValueType, Mask extends ValueType> {
  readonly add: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  readonly sub: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  readonly mul: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  readonly abs: (a: Expr<T>) => Expr<T>;
  readonly of: (value: number) => Expr<T>;
  readonly lt: (a: Expr<T>, b: Expr<T>) => Expr<Mask>;
  readonly eq: (a: Expr<T>, b: Expr<T>) => Expr<Mask>;
  readonly and: (a: Expr<Mask>, b: Expr<Mask>) => Expr<Mask>;
  readonly all: (mask: Expr<Mask>) => Expr<"i32">;
}

export const SCALAR: Doubles<"f64", "i32"> = { ...f64, and: i32.and, all: (mask) => mask };

const binary = (name: BinaryName) => (a: Expr<"v128">, b: Expr<"v128">) => v128.binary(name, a, b);
const unary = (name: UnaryName) => (a: Expr<"v128">) => v128.unary(name, a);
const PAIR: Doubles<"v128", "v128"> = {
  add: binary("f64x2.add"),
  sub: binary("f64x2.sub"),
  mul: binary("f64x2.mul"),
  abs: unary("f64x2.abs"),
  of: (value) => v128.splat("f64x2.splat", f64.of(value)),
  lt: binary("f64x2.lt"),
  eq: binary("f64x2.eq"),
  and: binary("v128.and"),
  all: (mask) => v128.test("i64x2.all_true", mask),
};

/** The sum of a product and an addend in three parts, of which the first is the sum rounded, where it is in range. */
export interface Parts<T extends ValueType> {
  readonly product: Expr<T>;
  /** Addend and rounded product added, and what that lacks. */
  readonly sum: Expr<T>;
  readonly error: Expr<T>;
  /** What the rounded product lacks. */
  readonly low: Expr<T>;
  /** Error and low added, rounded. */
  readonly rest: Expr<T>;
}

export function partsOf<T extends ValueType, Mask extends ValueType>(
  code: Code,
  type: Doubles<T, Mask>,
  [c, a, b]: Operands<T>,
): Parts<T> {
  const product = code.let(type.mul(a, b));
  const halves = (value: Expr<T>): readonly [high: Expr<T>, low: Expr<T>] => {
    const scaled = code.let(type.mul(value, type.of(SPLITTER)));
    const high = code.let(type.sub(scaled, type.sub(scaled, value)));
    return [high, code.let(type.sub(value, high))];
  };
  const [aHigh, aLow] = halves(a);
  const [bHigh, bLow] = halves(b);
  const crossed = type.add(
    type.add(type.sub(type.mul(aHigh, bHigh), product), type.mul(aHigh, bLow)),
    type.mul(aLow, bHigh),
  );
  const low = code.let(type.add(crossed, type.mul(aLow, bLow)));
  const sum = code.let(type.add(product, c));
  const error = errorOfSum(code, type, product, c, sum);
  return { product, sum, error, low, rest: code.let(type.add(error, low)) };
}

/** What a sum lacks, exactly unless something overflows (D. Knuth, The Art of Computer Programming, 4.2.2, theorem B). */
export function errorOfSum<T extends ValueType>(
  code: Code,
  { add, sub }: Pick<Doubles<T, ValueType>, "add" | "sub">,
  a: Expr<T>,
  b: Expr<T>,
  sum: Expr<T>,
): Expr<T> {
  const part = code.let(sub(sum, a));
  return code.let(add(sub(a, sub(sum, part)), sub(b, part)));
}

/** Sure where the parts' sum rounds to one number, whatever the rest is off. */
function fusedDoubles<T extends ValueType, Mask extends ValueType>(
  code: Code,
  type: Doubles<T, Mask>,
  operands: Operands<T>,
): Fused<T> {
  const { product, sum, rest } = partsOf(code, type, operands);
  const result = code.let(type.add(sum, type.mul(rest, type.of(1 + DOUBT))));
  const other = type.add(sum, type.mul(rest, type.of(1 - DOUBT)));
  const isBounded = type.lt(type.abs(result), type.of(Number.POSITIVE_INFINITY));
  // Of such a product the result is not denormal either: its lowest bit is far above that.
  const isLarge = type.lt(type.of(PRODUCT_MIN), type.abs(product));
  return { result, isSure: type.all(type.and(type.and(type.eq(result, other), isLarge), isBounded)) };
}

export const fusedDouble = (code: Code, operands: Operands<"f64">): Fused<"f64"> =>
  fusedDoubles(code, SCALAR, operands);
export const fusedDoublePair = (code: Code, operands: Operands<"v128">): Fused<"v128"> =>
  fusedDoubles(code, PAIR, operands);

/** The sum in double precision, of which the product is exact. */
export interface SingleSum {
  readonly product: Expr<"f64">;
  readonly addend: Expr<"f64">;
  readonly sum: Expr<"f64">;
  /** As far from one single as from the next, so that what the sum lacks decides. */
  readonly isMiddle: Expr<"i32">;
}

export function sumOfSingles(code: Code, [c, a, b]: Operands<"f32">): SingleSum {
  const product = code.let(f64.mul(f64.promote(a), f64.promote(b)));
  const addend = code.let(f64.promote(c));
  const sum = code.let(f64.add(product, addend));
  const isMiddle = i64.eq(i64.and(i64.reinterpret(sum), i64.of(BELOW_SINGLE)), i64.of(MIDDLE));
  return { product, addend, sum, isMiddle };
}

export function fusedSingle(code: Code, operands: Operands<"f32">): Fused<"f32"> {
  const { sum, isMiddle } = sumOfSingles(code, operands);
  const result = code.let(f32.demote(sum));
  const size = code.let(f32.abs(result));
  const isNormal = i32.and(f32.lt(f32.of(SINGLE_MIN), size), f32.lt(size, f32.of(Number.POSITIVE_INFINITY)));
  return { result, isSure: i32.and(isNormal, i32.eqz(isMiddle)) };
}

const LOW = [0, 1, 2, 3, 4, 5, 6, 7];
const HIGH = LOW.map((byte) => byte + 8);

export function fusedSingleQuad(code: Code, [c, a, b]: Operands<"v128">): Fused<"v128"> {
  const half = (bytes: readonly number[], value: Expr<"v128">) =>
    v128.unary("f64x2.promote_low_f32x4", bytes === LOW ? value : v128.shuffle(value, value, [...bytes, ...bytes]));
  const sumOf = (bytes: readonly number[]) =>
    code.let(PAIR.add(PAIR.mul(half(bytes, a), half(bytes, b)), half(bytes, c)));
  const [low, high] = [sumOf(LOW), sumOf(HIGH)];
  const demoted = (value: Expr<"v128">) => v128.unary("f32x4.demote_f64x2_zero", value);
  const result = code.let(v128.shuffle(demoted(low), demoted(high), [...LOW, ...LOW.map((byte) => byte + 16)]));
  const below = (value: Expr<"v128">) =>
    v128.binary("v128.and", value, v128.splat("i64x2.splat", i64.of(BELOW_SINGLE)));
  const isNoMiddle = (value: Expr<"v128">) =>
    v128.binary("i64x2.ne", below(value), v128.splat("i64x2.splat", i64.of(MIDDLE)));
  const single = (value: number) => v128.splat("f32x4.splat", f32.of(value));
  const size = code.let(v128.unary("f32x4.abs", result));
  const isNormal = PAIR.and(
    v128.binary("f32x4.lt", single(SINGLE_MIN), size),
    v128.binary("f32x4.lt", size, single(Number.POSITIVE_INFINITY)),
  );
  const isSure = PAIR.and(isNormal, PAIR.and(isNoMiddle(low), isNoMiddle(high)));
  return { result, isSure: v128.test("i32x4.all_true", isSure) };
}

/** By the host's instruction, where that rounds once. */
export const multiplyAddSingles = ([c, a, b]: Operands<"v128">): Expr<"v128"> =>
  relaxedMultiplyAdd("f32x4.relaxed_madd", a, b, c);
export const multiplyAddDoubles = ([c, a, b]: Operands<"v128">): Expr<"v128"> =>
  relaxedMultiplyAdd("f64x2.relaxed_madd", a, b, c);

export function multiplyAddSingle(operands: Operands<"f32">): Expr<"f32"> {
  const [c, a, b] = operands.map((value) => v128.splat("f32x4.splat", value)) as [V, V, V];
  return v128.extract("f32x4.extract_lane", multiplyAddSingles([c, a, b]), 0);
}

export function multiplyAddDouble(operands: Operands<"f64">): Expr<"f64"> {
  const [c, a, b] = operands.map((value) => v128.splat("f64x2.splat", value)) as [V, V, V];
  return v128.extract("f64x2.extract_lane", multiplyAddDoubles([c, a, b]), 0);
}
