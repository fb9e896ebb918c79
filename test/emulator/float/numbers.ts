/** Random floating-point numbers that lie where rounding, cancellation and flags decide, and their exact values. */
import { DOUBLE, type Format, partsOf } from "../../../src/engine/emulator/float/format.ts";
import type { Random } from "../../support/random.ts";

/** A value: an integer times two to the power of an exponent. */
export interface Dyadic {
  readonly integer: bigint;
  readonly exponent: number;
}

/** Of a finite number. */
export function exactValue(format: Format, bits: bigint): Dyadic {
  const { isNegative, exponent, fraction } = partsOf(format, bits);
  const { fractionBits, bias } = format;
  const integer = exponent === 0 ? fraction : fraction | (1n << BigInt(fractionBits));
  return { integer: isNegative ? -integer : integer, exponent: Math.max(exponent, 1) - bias - fractionBits };
}

export function plus(a: Dyadic, b: Dyadic): Dyadic {
  const exponent = Math.min(a.exponent, b.exponent);
  const aligned = (value: Dyadic) => value.integer << BigInt(value.exponent - exponent);
  return { integer: aligned(a) + aligned(b), exponent };
}

export function times(a: Dyadic, b: Dyadic): Dyadic {
  return { integer: a.integer * b.integer, exponent: a.exponent + b.exponent };
}

export const opposite = ({ integer, exponent }: Dyadic): Dyadic => ({ integer: -integer, exponent });

/** Negative, zero or positive as the first is less, equal or greater. */
export function order(a: Dyadic, b: Dyadic): number {
  const { integer } = plus(a, opposite(b));
  return integer < 0n ? -1 : integer > 0n ? 1 : 0;
}

export const isNumber = (format: Format, bits: bigint): boolean =>
  partsOf(format, bits).exponent !== format.exponentMax;

function special(format: Format, random: Random): bigint {
  const fraction = 1n << BigInt(format.fractionBits);
  const top = BigInt(format.exponentMax) * fraction;
  const magnitude = random.pick([0n, 1n, fraction - 1n, fraction, top - 1n, top, top + 1n, top + fraction / 2n + 1n]);
  return magnitude | (BigInt(random.integer(0, 1)) << BigInt(format.bits - 1));
}

/** Of a random exponent about `middle`, with as many zeros at its end as the fraction or fewer. */
function numberNear(format: Format, middle: number, random: Random): bigint {
  const { fractionBits, exponentMax, bits } = format;
  const spread = random.pick([0, 1, 3, fractionBits]);
  const exponent = Math.min(Math.max(middle + random.integer(-spread, spread), 0), exponentMax - 1);
  const zeros = BigInt(random.pick([0, 0, Math.floor(fractionBits / 2), fractionBits - 2, fractionBits]));
  const fraction = (random.bigint(0n, (1n << BigInt(fractionBits)) - 1n) >> zeros) << zeros;
  return (BigInt(random.integer(0, 1)) << BigInt(bits - 1)) | (BigInt(exponent) << BigInt(fractionBits)) | fraction;
}

export function randomNumbers(format: Format, count: number, random: Random): readonly bigint[] {
  const { bias, exponentMax } = format;
  const middle = random.pick([bias, bias, bias, 1, bias >> 1, exponentMax - 2, random.integer(1, exponentMax - 1)]);
  return Array.from({ length: count }, () =>
    random.integer(0, 9) === 0 ? special(format, random) : numberNear(format, middle, random),
  );
}

/** An addend and two factors whose sum lies next to the middle of two neighbours. */
export function nearTie(format: Format, random: Random): readonly [addend: bigint, a: bigint, b: bigint] {
  const { fractionBits, bias } = format;
  const number = (exponent: number, fraction: bigint) => (BigInt(bias + exponent) << BigInt(fractionBits)) + fraction;
  const few = BigInt(random.integer(0, 3));
  // So low that the product's lowest bits are denormal, or in the middle.
  const middle = random.pick([0, -Math.floor((bias - fractionBits - 5) / 2)]);
  const [first, second] = [middle + random.integer(-20, 20), middle + random.integer(-20, 20)];
  const addend = number(first + second + fractionBits + 1, random.bigint(0n, (1n << BigInt(fractionBits)) - 1n));
  const sign = BigInt(random.integer(0, 1)) << BigInt(format.bits - 1);
  // The factors' own distances from powers of two cancel out, or nearly.
  return [addend, sign | number(first, few), number(second, 0n) - few * BigInt(random.integer(1, 2))];
}

const view = new DataView(new ArrayBuffer(8));

export function toNumber(format: Format, bits: bigint): number {
  view.setBigUint64(0, bits);
  return format === DOUBLE ? view.getFloat64(0) : view.getFloat32(4);
}

export function fromNumber(format: Format, value: number): bigint {
  view.setBigUint64(0, 0n);
  if (format === DOUBLE) view.setFloat64(0, value);
  else view.setFloat32(4, value);
  return view.getBigUint64(0);
}
