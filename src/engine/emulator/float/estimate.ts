/** Estimates of reciprocals and of their square roots (Arm ARM, shared/functions/float: RecipEstimate and what uses it). */
import { type FloatEnvironment, FPSR } from "./environment.ts";
import { type Format, infinity, isNan, join, partsOf, zero } from "./format.ts";
import { overflowOf } from "./round.ts";

/** @param a 256 to 511, for a half to one. @returns the same for one to two. */
function reciprocal(a: number): number {
  return (Math.floor(2 ** 19 / (2 * a + 1)) + 1) >> 1;
}

/** @param a 128 to 511, for a quarter to one. @returns 256 to 511, for one to two. */
function reciprocalRoot(a: number): number {
  const middle = a < 256 ? 2 * a + 1 : ((a & ~1) + 1) * 2;
  let b = 512;
  while (middle * (b + 1) * (b + 1) < 2 ** 28) b++;
  return (b + 1) >> 1;
}

/** URECPE. */
export function unsignedReciprocal(bits: bigint): bigint {
  const value = Number(BigInt.asUintN(32, bits));
  return value < 2 ** 31 ? 0xffff_ffffn : BigInt(reciprocal(value >>> 23) * 2 ** 23);
}

/** URSQRTE. */
export function unsignedReciprocalRoot(bits: bigint): bigint {
  const value = Number(BigInt.asUintN(32, bits));
  return value < 2 ** 30 ? 0xffff_ffffn : BigInt(reciprocalRoot(value >>> 23) * 2 ** 23);
}

/** The eight highest bits of a double's fraction, from those of an estimate. */
const TOP_BITS = 8n;

function fractionOf(format: Format, estimate: number): bigint {
  return BigInt(estimate & 0xff) << (BigInt(format.fractionBits) - TOP_BITS);
}

/** FRECPE. */
export function reciprocalEstimate(environment: FloatEnvironment, format: Format, bits: bigint): bigint {
  const operand = environment.unpack(format, bits);
  const { isNegative } = operand;
  if (isNan(operand)) return environment.quieted(format, operand);
  if (operand.kind === "infinity") return zero(format, isNegative);
  if (operand.kind === "zero") {
    environment.raise(FPSR.divideByZero);
    return infinity(format, isNegative);
  }
  let { exponent, fraction } = partsOf(format, bits);
  const { fractionBits, bias } = format;
  const top = 1n << BigInt(fractionBits - 1);
  // Below two to the power of -128, or -1024: nothing of the two highest bits is set.
  if (exponent === 0 && fraction < top >> 1n) {
    environment.raise(FPSR.overflow | FPSR.inexact);
    return overflowOf(format, isNegative, environment.rounding);
  }
  if (environment.flushes && exponent >= 2 * bias - 1) {
    environment.raise(FPSR.underflow);
    return zero(format, isNegative);
  }
  if (exponent === 0) {
    const shift = fraction < top ? 2n : 1n;
    exponent = shift === 2n ? -1 : 0;
    fraction = BigInt.asUintN(fractionBits, fraction << shift);
  }
  const scaled = 256 + Number(fraction >> (BigInt(fractionBits) - TOP_BITS));
  const resultExponent = 2 * bias - 1 - exponent;
  const result = fractionOf(format, reciprocal(scaled));
  if (resultExponent > 0) return join(format, { isNegative, exponent: resultExponent, fraction: result });
  const denormal = (result | (1n << BigInt(fractionBits))) >> (resultExponent === 0 ? 1n : 2n);
  return join(format, { isNegative, exponent: 0, fraction: denormal });
}

/** FRSQRTE. */
export function reciprocalRootEstimate(environment: FloatEnvironment, format: Format, bits: bigint): bigint {
  const operand = environment.unpack(format, bits);
  const { isNegative } = operand;
  if (isNan(operand)) return environment.quieted(format, operand);
  if (operand.kind === "zero") {
    environment.raise(FPSR.divideByZero);
    return infinity(format, isNegative);
  }
  if (isNegative) return environment.invalid(format);
  if (operand.kind === "infinity") return zero(format, false);
  let { exponent, fraction } = partsOf(format, bits);
  const { fractionBits, bias } = format;
  if (exponent === 0) {
    exponent = 1;
    const one = 1n << BigInt(fractionBits);
    for (; fraction < one; exponent--) fraction <<= 1n;
    fraction -= one;
  }
  const highest = Number(fraction >> (BigInt(fractionBits) - TOP_BITS));
  const scaled = (exponent & 1) === 0 ? 256 + highest : 128 + (highest >> 1);
  const resultExponent = Math.floor((3 * bias - 1 - exponent) / 2);
  return join(format, {
    isNegative: false,
    exponent: resultExponent,
    fraction: fractionOf(format, reciprocalRoot(scaled)),
  });
}

/** FRECPX: two to the power of minus the exponent. */
export function reciprocalExponent(environment: FloatEnvironment, format: Format, bits: bigint): bigint {
  const operand = environment.unpack(format, bits);
  if (isNan(operand)) return environment.quieted(format, operand);
  const { isNegative, exponent } = partsOf(format, operand.bits);
  const inverse = exponent === 0 ? format.exponentMax - 1 : format.exponentMax - exponent;
  return join(format, { isNegative, exponent: inverse, fraction: 0n });
}
