/** Arithmetic in software, exact (Arm ARM, shared/functions/float: FPAdd, FPMul, FPDiv, FPSqrt, FPMulAdd and the steps). */
import { type FloatEnvironment, FPSR, ROUNDING } from "./environment.ts";
import { bitLength, type Format, infinity, isNan, negated, type Unpacked, zero } from "./format.ts";
import { type Exact, round } from "./round.ts";

export type Binary = (environment: FloatEnvironment, format: Format, a: bigint, b: bigint) => bigint;

/** The sum of two values; undefined where it is zero. */
function sumOf(a: Exact, b: Exact): Exact | undefined {
  const exponent = Math.min(a.exponent, b.exponent);
  const aligned = ({ isNegative, significand, exponent: own }: Exact) => {
    const value = significand << BigInt(own - exponent);
    return isNegative ? -value : value;
  };
  const sum = aligned(a) + aligned(b);
  if (sum === 0n) return undefined;
  return { isNegative: sum < 0n, significand: sum < 0n ? -sum : sum, exponent };
}

/** A zero that two other values cancelled out to. */
function cancelled({ rounding }: FloatEnvironment, format: Format): bigint {
  return zero(format, rounding === ROUNDING.down);
}

const product = (a: Unpacked, b: Unpacked): Exact => ({
  isNegative: a.isNegative !== b.isNegative,
  significand: a.significand * b.significand,
  exponent: a.exponent + b.exponent,
});

/** One is infinite, the other zero. */
const isUndecided = (a: Unpacked, b: Unpacked): boolean =>
  (a.kind === "infinity" && b.kind === "zero") || (a.kind === "zero" && b.kind === "infinity");

function addUnpacked(environment: FloatEnvironment, format: Format, a: Unpacked, b: Unpacked): bigint {
  const { kind, isNegative } = a;
  if (kind === "infinity" && b.kind === "infinity" && isNegative !== b.isNegative) return environment.invalid(format);
  if (kind === "infinity") return infinity(format, isNegative);
  if (b.kind === "infinity") return infinity(format, b.isNegative);
  if (kind === "zero" && b.kind === "zero" && isNegative === b.isNegative) return zero(format, isNegative);
  const sum = sumOf(a, b);
  return sum === undefined ? cancelled(environment, format) : round(environment, format, sum);
}

export const add: Binary = (environment, format, a, b) => {
  const [x, y] = [environment.unpack(format, a), environment.unpack(format, b)];
  return environment.nanOf(format, x, y) ?? addUnpacked(environment, format, x, y);
};

export const subtract: Binary = (environment, format, a, b) => {
  const [x, y] = [environment.unpack(format, a), environment.unpack(format, b)];
  return environment.nanOf(format, x, y) ?? addUnpacked(environment, format, x, { ...y, isNegative: !y.isNegative });
};

function multiplyWith(
  undecided: (environment: FloatEnvironment, format: Format, isNegative: boolean) => bigint,
): Binary {
  return (environment, format, a, b) => {
    const [x, y] = [environment.unpack(format, a), environment.unpack(format, b)];
    const nan = environment.nanOf(format, x, y);
    if (nan !== undefined) return nan;
    const isNegative = x.isNegative !== y.isNegative;
    if (isUndecided(x, y)) return undecided(environment, format, isNegative);
    if (x.kind === "infinity" || y.kind === "infinity") return infinity(format, isNegative);
    if (x.kind === "zero" || y.kind === "zero") return zero(format, isNegative);
    return round(environment, format, product(x, y));
  };
}

const power = (format: Format, isNegative: boolean, exponent: number): bigint =>
  zero(format, isNegative) | (BigInt(format.bias + exponent) << BigInt(format.fractionBits));

export const multiply = multiplyWith((environment, format) => environment.invalid(format));
/** FMULX: infinity times zero is two. */
export const multiplyExtended = multiplyWith((_, format, isNegative) => power(format, isNegative, 1));

export const divide: Binary = (environment, format, a, b) => {
  const [x, y] = [environment.unpack(format, a), environment.unpack(format, b)];
  const nan = environment.nanOf(format, x, y);
  if (nan !== undefined) return nan;
  const isNegative = x.isNegative !== y.isNegative;
  if (x.kind === y.kind && x.kind !== "finite") return environment.invalid(format);
  if (x.kind === "infinity") return infinity(format, isNegative);
  if (y.kind === "zero") {
    environment.raise(FPSR.divideByZero);
    return infinity(format, isNegative);
  }
  if (x.kind === "zero" || y.kind === "infinity") return zero(format, isNegative);
  // Two bits more than the format has, however short the dividend.
  const shift = bitLength(y.significand) + format.fractionBits + 3;
  const dividend = x.significand << BigInt(shift);
  const significand = dividend / y.significand;
  const hasMore = significand * y.significand !== dividend;
  return round(environment, format, { isNegative, significand, exponent: x.exponent - y.exponent - shift, hasMore });
};

/** The greatest integer whose square is not greater. */
function integerRoot(square: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(bitLength(square) / 2));
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRoot(environment: FloatEnvironment, format: Format, a: bigint): bigint {
  const x = environment.unpack(format, a);
  if (isNan(x)) return environment.quieted(format, x);
  if (x.kind === "zero") return zero(format, x.isNegative);
  if (x.isNegative) return environment.invalid(format);
  if (x.kind === "infinity") return infinity(format, false);
  const shift = 2 * (format.fractionBits + 3) + (x.exponent & 1);
  const square = x.significand << BigInt(shift);
  const significand = integerRoot(square);
  const hasMore = significand * significand !== square;
  return round(environment, format, { isNegative: false, significand, exponent: (x.exponent - shift) / 2, hasMore });
}

/** `FPMulAdd`: rounds once. */
export function multiplyAdd(
  environment: FloatEnvironment,
  format: Format,
  addend: bigint,
  a: bigint,
  b: bigint,
): bigint {
  const [c, x, y] = [environment.unpack(format, addend), environment.unpack(format, a), environment.unpack(format, b)];
  const nan = environment.nanOf(format, c, x, y);
  if (c.kind === "quiet" && isUndecided(x, y)) return environment.invalid(format);
  if (nan !== undefined) return nan;
  const isNegative = x.isNegative !== y.isNegative;
  const isInfinite = x.kind === "infinity" || y.kind === "infinity";
  if (isUndecided(x, y) || (c.kind === "infinity" && isInfinite && c.isNegative !== isNegative)) {
    return environment.invalid(format);
  }
  if (c.kind === "infinity") return infinity(format, c.isNegative);
  if (isInfinite) return infinity(format, isNegative);
  const isZero = x.kind === "zero" || y.kind === "zero";
  if (c.kind === "zero" && isZero && c.isNegative === isNegative) return zero(format, isNegative);
  const sum = sumOf(c, product(x, y));
  return sum === undefined ? cancelled(environment, format) : round(environment, format, sum);
}

/** Of a step of Newton's iteration: a constant less a product, times a power of two, rounded once. */
function step(from: bigint, exponent: number, undecided: (format: Format) => bigint): Binary {
  return (environment, format, a, b) => {
    const [x, y] = [environment.unpack(format, negated(format, a)), environment.unpack(format, b)];
    const nan = environment.nanOf(format, x, y);
    if (nan !== undefined) return nan;
    if (isUndecided(x, y)) return undecided(format);
    if (x.kind === "infinity" || y.kind === "infinity") return infinity(format, x.isNegative !== y.isNegative);
    const sum = sumOf({ isNegative: false, significand: from, exponent: 0 }, product(x, y));
    if (sum === undefined) return cancelled(environment, format);
    return round(environment, format, { ...sum, exponent: sum.exponent + exponent });
  };
}

/** FRECPS: 2 - ab. */
export const reciprocalStep = step(2n, 0, (format) => power(format, false, 1));
/** FRSQRTS: (3 - ab) / 2. */
export const rootStep = step(3n, -1, (format) => power(format, false, 0) | format.quietBit);
