/** Binary floating-point formats, and numbers taken apart (IEEE 754-2008, 3.4; Arm ARM, A1.4). */

export interface Format {
  readonly bits: number;
  readonly fractionBits: number;
  /** Of the exponent's field. */
  readonly exponentMax: number;
  readonly bias: number;
}

function format(bits: number, exponentBits: number): Format {
  return {
    bits,
    fractionBits: bits - exponentBits - 1,
    exponentMax: 2 ** exponentBits - 1,
    bias: 2 ** (exponentBits - 1) - 1,
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

export function partsOf({ bits: width, fractionBits, exponentMax }: Format, bits: bigint): Parts {
  const fraction = BigInt.asUintN(fractionBits, bits);
  const exponent = Number(bits >> BigInt(fractionBits)) & exponentMax;
  return { isNegative: ((bits >> BigInt(width - 1)) & 1n) === 1n, exponent, fraction };
}

export function join({ bits, fractionBits }: Format, { isNegative, exponent, fraction }: Parts): bigint {
  return (isNegative ? 1n << BigInt(bits - 1) : 0n) | (BigInt(exponent) << BigInt(fractionBits)) | fraction;
}

export const isNan = ({ kind }: Unpacked): boolean => kind === "quiet" || kind === "signalling";

export function unpackExactly(format: Format, bits: bigint): Unpacked {
  const { isNegative, exponent, fraction } = partsOf(format, bits);
  const { fractionBits, exponentMax } = format;
  const made = (kind: Kind): Unpacked => ({ kind, isNegative, significand: 0n, exponent: 0, bits });
  if (exponent === exponentMax) {
    if (fraction === 0n) return made("infinity");
    return made(fraction >> BigInt(fractionBits - 1) === 1n ? "quiet" : "signalling");
  }
  if (exponent === 0 && fraction === 0n) return made("zero");
  return { ...finite(format, exponent, fraction), isNegative, bits };
}

/** @param exponent the field. */
export function finite({ fractionBits, bias }: Format, exponent: number, fraction: bigint) {
  const significand = exponent === 0 ? fraction : fraction | (1n << BigInt(fractionBits));
  return { kind: "finite", significand, exponent: Math.max(exponent, 1) - bias - fractionBits } as const;
}

export const zero = (format: Format, isNegative: boolean): bigint =>
  join(format, { isNegative, exponent: 0, fraction: 0n });

export const infinity = (format: Format, isNegative: boolean): bigint =>
  join(format, { isNegative, exponent: format.exponentMax, fraction: 0n });

export const maxNormal = (format: Format, isNegative: boolean): bigint =>
  join(format, {
    isNegative,
    exponent: format.exponentMax - 1,
    fraction: (1n << BigInt(format.fractionBits)) - 1n,
  });

/** Quiet, positive, without a payload. */
export const defaultNan = (format: Format): bigint =>
  join(format, { isNegative: false, exponent: format.exponentMax, fraction: 1n << BigInt(format.fractionBits - 1) });

export const negated = (format: Format, bits: bigint): bigint => bits ^ (1n << BigInt(format.bits - 1));
export const absolute = (format: Format, bits: bigint): bigint => BigInt.asUintN(format.bits - 1, bits);

/** Bits up to the highest that is set. */
export function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return 4 * (digits.length - 1) + (32 - Math.clz32(Number.parseInt(digits.charAt(0), 16)));
}
