/** Comparisons, the greater and the less (Arm ARM, shared/functions/float: FPCompare, FPMax, FPMaxNum and their like). */
import type { Binary } from "./arithmetic.ts";
import { type FloatEnvironment, FPSR, magnitude } from "./environment.ts";
import { type Format, infinity, isNan, type Unpacked, zero } from "./format.ts";

/** Negative, zero or positive as the first is less, equal or greater; neither is a NaN. */
function order(a: Unpacked, b: Unpacked): number {
  const [x, y] = [rank(a), rank(b)];
  if (x !== y) return x - y;
  const exponent = Math.min(a.exponent, b.exponent);
  const difference =
    (a.significand << BigInt(a.exponent - exponent)) - (b.significand << BigInt(b.exponent - exponent));
  const sign = difference > 0n ? 1 : difference < 0n ? -1 : 0;
  return a.isNegative ? -sign : sign;
}

/** Zeros are one, whatever their sign. */
function rank({ kind, isNegative }: Unpacked): number {
  const size = kind === "zero" ? 0 : kind === "finite" ? 1 : 2;
  return isNegative ? -size : size;
}

function select(isWanted: (order: number) => boolean, signOfZeros: (a: boolean, b: boolean) => boolean): Binary {
  return (environment, format, a, b) => {
    const [x, y] = [environment.unpack(format, a), environment.unpack(format, b)];
    const nan = environment.nanOf(format, x, y);
    if (nan !== undefined) return nan;
    const found = isWanted(order(x, y)) ? x : y;
    if (found.kind === "zero") return zero(format, signOfZeros(x.isNegative, y.isNegative));
    return found.bits;
  };
}

export const maximum = select(
  (order) => order > 0,
  (a, b) => a && b,
);
export const minimum = select(
  (order) => order < 0,
  (a, b) => a || b,
);

/** A single quiet NaN is less, or greater, than any number. */
function numberOf(choose: Binary, isNegative: boolean): Binary {
  return (environment, format, a, b) => {
    const [x, y] = [environment.unpack(format, a), environment.unpack(format, b)];
    const other = infinity(format, isNegative);
    if (x.kind === "quiet" && y.kind !== "quiet") return choose(environment, format, other, b);
    if (x.kind !== "quiet" && y.kind === "quiet") return choose(environment, format, a, other);
    return choose(environment, format, a, b);
  };
}

export const maximumNumber = numberOf(maximum, true);
export const minimumNumber = numberOf(minimum, false);

/** Raises what a comparison of the two does. @param isSignalling any NaN is invalid, not only a signalling one. */
function operands(
  environment: FloatEnvironment,
  format: Format,
  [a, b]: readonly [bigint, bigint],
  isSignalling: boolean,
): { readonly x: Unpacked; readonly y: Unpacked; readonly isUnordered: boolean } {
  const [x, y] = [environment.unpack(format, a), environment.unpack(format, b)];
  const isUnordered = isNan(x) || isNan(y);
  if (isUnordered && (isSignalling || x.kind === "signalling" || y.kind === "signalling")) {
    environment.raise(FPSR.invalid);
  }
  return { x, y, isUnordered };
}

/** FCMP and FCMPE as far as FPSR goes. */
export function compareFlags(
  environment: FloatEnvironment,
  format: Format,
  a: bigint,
  b: bigint,
  isSignalling: boolean,
): void {
  operands(environment, format, [a, b], isSignalling);
}

/** All ones where the order is as wanted, else zero. */
function mask(isWanted: (order: number) => boolean, isSignalling: boolean, ofMagnitudes = false): Binary {
  return (environment, format, a, b) => {
    const { x, y, isUnordered } = operands(environment, format, [a, b], isSignalling);
    if (isUnordered) return 0n;
    const found = ofMagnitudes ? order(magnitude(format, x), magnitude(format, y)) : order(x, y);
    return isWanted(found) ? (1n << BigInt(format.bits)) - 1n : 0n;
  };
}

const isEqual = (order: number) => order === 0;
const isGreater = (order: number) => order > 0;
const isGreaterOrEqual = (order: number) => order >= 0;

export const equalMask = mask(isEqual, false);
export const greaterMask = mask(isGreater, true);
export const greaterOrEqualMask = mask(isGreaterOrEqual, true);
export const absoluteGreaterMask = mask(isGreater, true, true);
export const absoluteGreaterOrEqualMask = mask(isGreaterOrEqual, true, true);
