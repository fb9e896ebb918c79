/**
 * Fused multiplication and addition, for which WebAssembly has no instruction. Of singles in double precision, of doubles as a
 * sum of three parts (S. Boldo and G. Melquiond, "Emulation of a FMA and correctly rounded sums", IEEE Transactions on
 * Computers 57, 2008).
 */
import type { Code } from "../wasm/code.ts";
import { type Expr, f32, f64, i32, i64, select, type ValueType } from "../wasm/expression.ts";
import { type BinaryName, type UnaryName, v128 } from "../wasm/vector.ts";
import { allOf, DOUBLE_WIDTH, errorOfSum, FloatBody, isFree, SINGLE_WIDTH, type Sums } from "./library-parts.ts";

/** Of a double that lies between two singles, as far from both: its lowest bits. */
const BELOW_SINGLE = 0x1fff_ffffn;
const MIDDLE = 0x1000_0000n;

/** Veltkamp's: cuts a double into halves of 26 bits. Where it overflows, all that follows is no number. */
const SPLITTER = 2 ** 27 + 1;
/** Below, the product's lower part could lose bits. */
const PRODUCT_MIN = 2 ** -890;
const NORMAL_MIN = 2 ** -1021;
/** More than the lower part, itself rounded, can be off. */
const DOUBT = 2 ** -51;

/** Doubles by themselves or two at a time; a mask tells of each whether something holds. */
interface Doubles<T extends ValueType, Mask extends ValueType> extends Sums<T> {
  readonly mul: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  readonly abs: (a: Expr<T>) => Expr<T>;
  readonly of: (value: number) => Expr<T>;
  readonly lt: (a: Expr<T>, b: Expr<T>) => Expr<Mask>;
  readonly eq: (a: Expr<T>, b: Expr<T>) => Expr<Mask>;
  readonly and: (a: Expr<Mask>, b: Expr<Mask>) => Expr<Mask>;
  readonly all: (mask: Expr<Mask>) => Expr<"i32">;
}

const SCALAR: Doubles<"f64", "i32"> = { ...f64, and: i32.and, all: (mask) => mask };

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

type Operands<T extends ValueType> = readonly [addend: Expr<T>, a: Expr<T>, b: Expr<T>];

/** The sum of a product and an addend in three parts, of which the first is the sum rounded, where it is in range. */
interface Parts<T extends ValueType> {
  readonly product: Expr<T>;
  /** Addend and rounded product added, and what that lacks. */
  readonly sum: Expr<T>;
  readonly error: Expr<T>;
  /** What the rounded product lacks. */
  readonly low: Expr<T>;
  /** Error and low added, rounded. */
  readonly rest: Expr<T>;
}

function partsOf<T extends ValueType, Mask extends ValueType>(
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

/** Ends the function where the parts' sum rounds to one normal number, whatever the rest is off. */
function returnWhereSure<T extends ValueType, Mask extends ValueType>(
  code: Code,
  type: Doubles<T, Mask>,
  { product, sum, rest }: Parts<T>,
): void {
  const result = code.let(type.add(sum, type.mul(rest, type.of(1 + DOUBT))));
  const other = type.add(sum, type.mul(rest, type.of(1 - DOUBT)));
  const size = code.let(type.abs(result));
  const isKnown = type.and(type.eq(result, other), type.lt(type.of(PRODUCT_MIN), type.abs(product)));
  const isNormal = type.and(type.lt(type.of(NORMAL_MIN), size), type.lt(size, type.of(Number.POSITIVE_INFINITY)));
  code.if(type.all(type.and(isKnown, isNormal)), () => code.return(result));
}

export function doubleFmaBody(): readonly number[] {
  const body = new FloatBody(DOUBLE_WIDTH, 3);
  const { code } = body;
  const operands: Operands<"f64"> = [body.parameter(0), body.parameter(1), body.parameter(2)];
  const parts = partsOf(code, SCALAR, operands);
  code.if(isFree(), () => returnWhereSure(code, SCALAR, parts));
  const { product, sum, error, low, rest } = parts;
  code.if(body.isPlain(), () => {
    returnSpecial(body, operands, f64.add(product, operands[0]));
    const more = errorOfSum(code, f64, error, low, rest);
    const odd = roundedToOdd(code, rest, more);
    const rounded = code.let(f64.add(sum, odd));
    const isZero = i32.and(f64.eq(sum, f64.of(0)), f64.eq(odd, f64.of(0)));
    const isKnown = i32.and(f64.lt(f64.of(PRODUCT_MIN), f64.abs(product)), i32.or(body.isNormal(rounded), isZero));
    code.if(isKnown, () => {
      const lacking = errorOfSum(code, f64, sum, odd, rounded);
      code.if(i32.or(f64.ne(more, f64.of(0)), f64.ne(lacking, f64.of(0))), () => body.setInexact());
      code.return(rounded);
    });
  });
  return body.returnExact("fma");
}

/** A sum, of which something more is known, with the lowest bit set where it is not exact. */
function roundedToOdd(code: Code, sum: Expr<"f64">, more: Expr<"f64">): Expr<"f64"> {
  const bits = code.let(i64.reinterpret(sum));
  const isEven = i64.eqz(i64.and(bits, i64.of(1n)));
  const isFurther = f64.eq(f64.copysign(f64.of(1), more), f64.copysign(f64.of(1), sum));
  const next = i64.add(bits, select(isFurther, i64.of(1n), i64.of(-1n)));
  const moved = i32.and(isEven, f64.ne(more, f64.of(0)));
  return code.let(f64.reinterpret(select(moved, next, bits)));
}

/** Of a product that is zero, and of infinities, the plain sum is the exact one. */
function returnSpecial<T extends "f32" | "f64">(body: FloatBody<T>, [c, a, b]: Operands<T>, plain: Expr<T>): void {
  const { code } = body;
  const result = code.let(plain);
  const isSpecial = i32.or(body.anyZero(a, b), body.anyInfinite(a, b, c));
  code.if(i32.and(body.isNumber(result), isSpecial), () => code.return(result));
}

export function singleFmaBody(): readonly number[] {
  const body = new FloatBody(SINGLE_WIDTH, 3);
  const { code } = body;
  const operands: Operands<"f32"> = [body.parameter(0), body.parameter(1), body.parameter(2)];
  const [c, a, b] = operands;
  // Exact, with twice a single's bits.
  const product = code.let(f64.mul(f64.promote(a), f64.promote(b)));
  const addend = code.let(f64.promote(c));
  const sum = code.let(f64.add(product, addend));
  const isMiddle = code.let(i64.eq(i64.and(i64.reinterpret(sum), i64.of(BELOW_SINGLE)), i64.of(MIDDLE)));
  const rounded = code.let(f32.demote(sum));
  code.if(allOf(isFree(), i32.eqz(isMiddle), body.isNormal(rounded)), () => code.return(rounded));
  code.if(body.isPlain(), () => {
    returnSpecial(body, operands, f32.demote(sum));
    const error = errorOfSum(code, f64, product, addend, sum);
    const decided = code.let(select(isMiddle, roundedToOdd(code, sum, error), sum));
    const result = code.let(f32.demote(decided));
    code.if(i32.or(body.isNormal(result), f64.eq(sum, f64.of(0))), () => {
      const isInexact = i32.or(f64.ne(f64.promote(result), sum), f64.ne(error, f64.of(0)));
      code.if(isInexact, () => body.setInexact());
      code.return(result);
    });
  });
  return body.returnExact("fma");
}

const LANES = { low: [0, 1, 2, 3, 4, 5, 6, 7], high: [8, 9, 10, 11, 12, 13, 14, 15] } as const;

/** Two doubles at a time where that is sure, else one after the other. */
export function doublePairFma(code: Code, operands: Operands<"v128">): void {
  code.if(isFree(), () => {
    returnWhereSure(code, PAIR, partsOf(code, PAIR, operands));
  });
}

/** Four singles at a time where that is sure. */
export function singleQuadFma(code: Code, [c, a, b]: Operands<"v128">): void {
  code.if(isFree(), () => {
    const half = (which: "low" | "high", value: Expr<"v128">) =>
      v128.unary(
        "f64x2.promote_low_f32x4",
        which === "low" ? value : v128.shuffle(value, value, [...LANES.high, ...LANES.high]),
      );
    const sumOf = (which: "low" | "high") =>
      code.let(PAIR.add(PAIR.mul(half(which, a), half(which, b)), half(which, c)));
    const [low, high] = [sumOf("low"), sumOf("high")];
    const demoted = (value: Expr<"v128">) => v128.unary("f32x4.demote_f64x2_zero", value);
    const result = code.let(
      v128.shuffle(demoted(low), demoted(high), [...LANES.low, ...LANES.low.map((at) => at + 16)]),
    );
    const isMiddle = (value: Expr<"v128">) =>
      v128.binary(
        "i64x2.eq",
        v128.binary("v128.and", value, v128.splat("i64x2.splat", i64.of(BELOW_SINGLE))),
        v128.splat("i64x2.splat", i64.of(MIDDLE)),
      );
    const isUnsure = v128.binary("v128.or", isMiddle(low), isMiddle(high));
    const size = () => v128.unary("f32x4.abs", result);
    const single = (value: number) => v128.splat("f32x4.splat", f32.of(value));
    const isNormal = v128.binary(
      "v128.and",
      v128.binary("f32x4.lt", single(2 ** -125), size()),
      v128.binary("f32x4.lt", size(), single(Number.POSITIVE_INFINITY)),
    );
    const isKnown = i32.and(v128.test("i32x4.all_true", isNormal), i32.eqz(v128.test("v128.any_true", isUnsure)));
    code.if(isKnown, () => code.return(result));
  });
}
