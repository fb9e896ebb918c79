/** What lets generated code keep results of WebAssembly's own instructions without a further look. */
import { STATE } from "../layout.ts";
import { FPCR, FPSR } from "./environment.ts";

/** Of FPCR: zero where it rounds to nearest and does not flush to zero, as WebAssembly does. */
export const UNLIKE_WEBASSEMBLY = (3 << FPCR.roundingShift) | FPCR.flushes;

/**
 * A number's upper 32 bits, doubled (which drops the sign), and the bias added: where that is less than the limit, as a number
 * with a sign, the number is neither infinite nor a NaN and, before it was rounded too, not denormal.
 */
export interface FloatLimit {
  readonly bias: number;
  readonly limit: number;
}
/** Nothing is less. */
export const NO_FLOAT = -(2 ** 31);

/** The exponent lies above `fractionBits` of the upper 32 bits; the least two exponents are not sure. */
function limitOf(exponents: number, fractionBits: number): FloatLimit {
  const unit = 2 ** (fractionBits + 1);
  return { bias: NO_FLOAT - 2 * unit, limit: NO_FLOAT + (exponents - 3) * unit };
}
export const FLOAT_LIMIT = { f64: limitOf(2 ** 11, 20), f32: limitOf(2 ** 8, 23) } as const;

/** To be called after FPCR or FPSR was written. */
export function updateFloatLimits(view: DataView): void {
  const isPlain = (view.getUint32(STATE.fpcr, true) & UNLIKE_WEBASSEMBLY) === 0;
  const isInexact = (view.getUint32(STATE.fpsr, true) & FPSR.inexact) !== 0;
  const isFree = isPlain && isInexact;
  view.setInt32(STATE.floatLimit64, isFree ? FLOAT_LIMIT.f64.limit : NO_FLOAT, true);
  view.setInt32(STATE.floatLimit32, isFree ? FLOAT_LIMIT.f32.limit : NO_FLOAT, true);
}
