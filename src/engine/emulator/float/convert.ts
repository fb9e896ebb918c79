/** Conversions between formats, and from and to integers (Arm ARM, shared/functions/float: FPConvert, FPToFixed and their like). */
import { type FloatEnvironment, FPSR, ROUNDING, type Rounding } from "./environment.ts";
import {
  defaultNan,
  type Format,
  finite,
  HALF,
  infinity,
  isNan,
  join,
  partsOf,
  type Unpacked,
  zero,
} from "./format.ts";
import { alternativeMax, type Exact, round, shiftRounded } from "./round.ts";

export interface IntegerFormat {
  readonly bits: 32 | 64;
  readonly isUnsigned: boolean;
  /** Of the bits: behind the point. */
  readonly fractionBits: number;
}

/** `FPUnpackCV`. */
function unpackForConversion(environment: FloatEnvironment, format: Format, bits: bigint): Unpacked {
  const { isNegative, exponent, fraction } = partsOf(format, bits);
  if (format === HALF && environment.usesAlternativeHalf && exponent === format.exponentMax) {
    return { ...finite(format, exponent, fraction), isNegative, bits };
  }
  return environment.unpack(format, bits);
}

/** `FPConvert`. */
export function convert(
  environment: FloatEnvironment,
  from: Format,
  to: Format,
  bits: bigint,
  rounding: Rounding = environment.rounding,
): bigint {
  const operand = unpackForConversion(environment, from, bits);
  const { isNegative } = operand;
  const isAlternative = to === HALF && environment.usesAlternativeHalf;
  if (isNan(operand)) {
    if (operand.kind === "signalling" || isAlternative) environment.raise(FPSR.invalid);
    if (isAlternative) return zero(to, isNegative);
    return environment.usesDefaultNan ? defaultNan(to) : convertedNan(from, to, operand);
  }
  if (operand.kind === "zero") return zero(to, isNegative);
  if (operand.kind === "finite") return round(environment, to, operand, rounding);
  if (!isAlternative) return infinity(to, isNegative);
  environment.raise(FPSR.invalid);
  return alternativeMax(isNegative);
}

/** The payload's highest bits, and quiet. */
function convertedNan(from: Format, to: Format, { isNegative, bits }: Unpacked): bigint {
  const { fraction } = partsOf(from, bits);
  const shift = BigInt(Math.abs(to.fractionBits - from.fractionBits));
  const payload = to.fractionBits > from.fractionBits ? fraction << shift : fraction >> shift;
  return join(to, { isNegative, exponent: to.exponentMax, fraction: payload | to.quietBit });
}

/** `FPToFixed`: saturates; a NaN becomes zero. */
export function toInteger(
  environment: FloatEnvironment,
  format: Format,
  bits: bigint,
  { bits: width, isUnsigned, fractionBits }: IntegerFormat,
  rounding: Rounding,
): bigint {
  const operand = environment.unpack(format, bits);
  if (operand.kind === "zero") return 0n;
  if (isNan(operand)) {
    environment.raise(FPSR.invalid);
    return 0n;
  }
  const [min, max] = isUnsigned
    ? [0n, (1n << BigInt(width)) - 1n]
    : [-(1n << BigInt(width - 1)), (1n << BigInt(width - 1)) - 1n];
  const { significand, isInexact } =
    operand.kind === "infinity"
      ? { significand: 1n << 64n, isInexact: false }
      : shiftRounded(operand, -operand.exponent - fractionBits, rounding);
  const value = operand.isNegative ? -significand : significand;
  const kept = value < min ? min : value > max ? max : value;
  if (kept !== value) environment.raise(FPSR.invalid);
  else if (isInexact) environment.raise(FPSR.inexact);
  return BigInt.asUintN(width, kept);
}

/** `FixedToFP`. */
export function fromInteger(
  environment: FloatEnvironment,
  format: Format,
  bits: bigint,
  { bits: width, isUnsigned, fractionBits }: IntegerFormat,
): bigint {
  const value = isUnsigned ? BigInt.asUintN(width, bits) : BigInt.asIntN(width, bits);
  if (value === 0n) return 0n;
  const isNegative = value < 0n;
  const exact: Exact = { isNegative, significand: isNegative ? -value : value, exponent: -fractionBits };
  return round(environment, format, exact);
}

/** `FPRoundInt`. @param raisesInexact of FRINTX. */
export function toIntegral(
  environment: FloatEnvironment,
  format: Format,
  bits: bigint,
  rounding: Rounding,
  raisesInexact: boolean,
): bigint {
  const operand = environment.unpack(format, bits);
  if (isNan(operand)) return environment.quieted(format, operand);
  if (operand.kind !== "finite") return operand.bits;
  const { significand, isInexact } = shiftRounded(operand, -operand.exponent, rounding);
  if (isInexact && raisesInexact) environment.raise(FPSR.inexact);
  if (significand === 0n) return zero(format, operand.isNegative);
  const exact: Exact = { isNegative: operand.isNegative, significand, exponent: 0 };
  return round(environment, format, exact, ROUNDING.towardsZero);
}
