/** Exact values brought to a format (Arm ARM, shared/functions/float/fpround). */
import { type FloatEnvironment, FPSR, ROUNDING, type Rounding } from "./environment.ts";
import { bitLength, type Format, HALF, infinity, maxNormal, zero } from "./format.ts";

/** A value other than zero: `significand` times two to the power of `exponent`, and less than one unit of that more. */
export interface Exact {
  readonly isNegative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
  /** Whether there is more, of which nothing else is known; the significand has bits to spare then. */
  readonly hasMore?: boolean;
}

/** An integer next to the value, and whether the value is another. */
export interface Rounded {
  readonly significand: bigint;
  readonly isInexact: boolean;
}

/** Divides by two to the power of `shift`, rounding. */
export function shiftRounded(
  { isNegative, significand, hasMore = false }: Exact,
  shift: number,
  rounding: Rounding,
): Rounded {
  if (shift <= 0) return { significand: significand << BigInt(-shift), isInexact: hasMore };
  const low = significand >> BigInt(shift);
  const rest = significand - (low << BigInt(shift));
  const isInexact = rest !== 0n || hasMore;
  if (!isInexact) return { significand: low, isInexact };
  if (rounding === ROUNDING.odd) return { significand: low | 1n, isInexact };
  return { significand: roundsUp() ? low + 1n : low, isInexact };

  function roundsUp(): boolean {
    const half = 1n << BigInt(shift - 1);
    switch (rounding) {
      case ROUNDING.up:
        return !isNegative;
      case ROUNDING.down:
        return isNegative;
      case ROUNDING.nearest:
        return rest > half || (rest === half && (hasMore || (low & 1n) === 1n));
      case ROUNDING.tiesAway:
        return rest >= half;
      default:
        return false;
    }
  }
}

/** `FPRound`: tininess is seen before rounding. */
export function round(
  environment: FloatEnvironment,
  format: Format,
  value: Exact,
  rounding: Rounding = environment.rounding,
): bigint {
  const { isNegative, significand, exponent } = value;
  const { fractionBits, bias } = format;
  const exponentMin = 1 - bias;
  const top = exponent + bitLength(significand) - 1;
  const isTiny = top < exponentMin;
  if (isTiny && environment.flushes && format !== HALF) {
    environment.raise(FPSR.underflow);
    return zero(format, isNegative);
  }
  const unit = Math.max(top, exponentMin) - fractionBits;
  const rounded = shiftRounded(value, unit - exponent, rounding);
  if (isTiny && rounded.isInexact) environment.raise(FPSR.underflow);
  // The significand's highest bit, where it has that, adds one to the exponent.
  const field = isTiny ? 0 : unit + fractionBits + bias - 1;
  const bits = (BigInt(field) << format.fractionShift) + rounded.significand;
  if (bits >> format.fractionShift >= limitOf(environment, format)) {
    return overflowed(environment, format, isNegative, rounding);
  }
  if (rounded.isInexact) environment.raise(FPSR.inexact);
  return zero(format, isNegative) | bits;
}

/** Exponents from there on overflow. The alternative half precision has numbers in place of infinities and NaNs. */
function limitOf({ usesAlternativeHalf }: FloatEnvironment, format: Format): bigint {
  return BigInt(format === HALF && usesAlternativeHalf ? format.exponentMax + 1 : format.exponentMax);
}

function overflowed(environment: FloatEnvironment, format: Format, isNegative: boolean, rounding: Rounding): bigint {
  if (format === HALF && environment.usesAlternativeHalf) {
    environment.raise(FPSR.invalid);
    return alternativeMax(isNegative);
  }
  environment.raise(FPSR.overflow | FPSR.inexact);
  return overflowOf(format, isNegative, rounding);
}

/** What is greater than every number of the format becomes. */
export function overflowOf(format: Format, isNegative: boolean, rounding: Rounding): bigint {
  const isInfinite =
    rounding === ROUNDING.nearest ||
    rounding === ROUNDING.tiesAway ||
    (rounding === ROUNDING.up && !isNegative) ||
    (rounding === ROUNDING.down && isNegative);
  return isInfinite ? infinity(format, isNegative) : maxNormal(format, isNegative);
}

export const alternativeMax = (isNegative: boolean): bigint => (isNegative ? 0xffffn : 0x7fffn);
