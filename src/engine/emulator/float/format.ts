/** Binary floating-point formats, and numbers taken apart (IEEE 754-2008, 3.4; Arm ARM, A1.4). */

export interface Format {
  readonly bits: number;
  readonly fractionBits: number;
  /** Of the exponent's field. */
  readonly exponentMax: number;
  readonly bias: number;
  /** Where the exponent's field begins, as a shift. */
  readonly fractionShift: bigint;
  readonly fractionMask: bigint;
  readonly signBit: bigint;
  /** The fraction's highest bit, which NaNs that are quiet have. */
  readonly quietBit: bigint;
}

function format(bits: number, exponentBits: number): Format {
  const fractionBits = bits - exponentBits - 1;
  return {
    bits,
    fractionBits,
    exponentMax: 2 ** exponentBits - 1,
    bias: 2 ** (exponentBits - 1) - 1,
    fractionShift: BigInt(fractionBits),
    fractionMask: (1n << BigInt(fractionBits)) - 1n,
    signBit: 1n << BigInt(bits - 1),
    quietBit: 1n << BigInt(fractionBits - 1),
  };
}

export const HALF = format(16, 5);
export const SINGLE = format(32, 8);
export const DOUBLE = format(64, 11);

export type Kind = "zero" | "finite" | "infinity" | "quiet" | "signalling";

/** A number: where it is finite, `significand` times two to the power of `exponent`. */
export interface Unpacked {
  readonly kind: Kind;
  readonly isNegative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
  /** As it was. */
  readonly bits: bigint;
}

export interface Parts {
  readonly isNegative: boolean;
  /** The fields, the exponent with its bias. */
  readonly exponent: number;
  readonly fraction: bigint;
}

/** @param bits no more than the format has. */
export function partsOf({ exponentMax, fractionShift, fractionMask }: Format, bits: bigint): Parts {
  const high = Number(bits >> fractionShift);
  return { isNegative: high > exponentMax, exponent: high & exponentMax, fraction: bits & fractionMask };
}

export function join({ fractionShift, signBit }: Format, { isNegative, exponent, fraction }: Parts): bigint {
  const magnitude = (BigInt(exponent) << fractionShift) | fraction;
  return isNegative ? signBit | magnitude : magnitude;
}

export const isNan = ({ kind }: Unpacked): boolean => kind === "quiet" || kind === "signalling";

export function unpackExactly(format: Format, bits: bigint): Unpacked {
  const { isNegative, exponent, fraction } = partsOf(format, bits);
  if (exponent === format.exponentMax) {
    const kind = fraction === 0n ? "infinity" : (fraction & format.quietBit) !== 0n ? "quiet" : "signalling";
    return { kind, isNegative, significand: 0n, exponent: 0, bits };
  }
  if (exponent === 0 && fraction === 0n) return { kind: "zero", isNegative, significand: 0n, exponent: 0, bits };
  const { significand, exponent: scale } = finite(format, exponent, fraction);
  return { kind: "finite", isNegative, significand, exponent: scale, bits };
}

/** @param exponent the field. */
export function finite({ fractionBits, fractionMask, bias }: Format, exponent: number, fraction: bigint) {
  const significand = exponent === 0 ? fraction : fraction | (fractionMask + 1n);
  return { kind: "finite", significand, exponent: Math.max(exponent, 1) - bias - fractionBits } as const;
}

export const zero = ({ signBit }: Format, isNegative: boolean): bigint => (isNegative ? signBit : 0n);

export const infinity = (format: Format, isNegative: boolean): bigint =>
  join(format, { isNegative, exponent: format.exponentMax, fraction: 0n });

export const maxNormal = (format: Format, isNegative: boolean): bigint =>
  join(format, { isNegative, exponent: format.exponentMax - 1, fraction: format.fractionMask });

/** Quiet, positive, without a payload. */
export const defaultNan = (format: Format): bigint =>
  join(format, { isNegative: false, exponent: format.exponentMax, fraction: format.quietBit });

export const negated = ({ signBit }: Format, bits: bigint): bigint => bits ^ signBit;
export const absolute = ({ signBit }: Format, bits: bigint): bigint => bits & (signBit - 1n);

/** Of a part that a number of 32 bits holds. */
const LOW_BITS = 32;
const LOW_LIMIT = 1n << 32n;

/** Bits up to the highest that is set. */
export function bitLength(value: bigint): number {
  let rest = value;
  let length = 0;
  for (; rest >= LOW_LIMIT; length += LOW_BITS) rest >>= BigInt(LOW_BITS);
  return length + 32 - Math.clz32(Number(rest));
}
