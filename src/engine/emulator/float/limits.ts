/** What lets generated code keep results of WebAssembly's own instructions without a further look. */
import { STATE } from "../layout.ts";
import { FPCR, FPSR } from "./environment.ts";

/** Of FPCR: zero where it rounds to nearest and does not flush to zero, as WebAssembly does. */
export const UNLIKE_WEBASSEMBLY = (3 << FPCR.roundingShift) | FPCR.flushes;
/**
 * A biased exponent less 2 that is below its limit belongs to a number that is not infinite, no NaN and, before it was rounded
 * too, not denormal.
 */
export const FLOAT_LIMIT = { f64: 0x7ff - 2, f32: 0xff - 2 } as const;

/** To be called after FPCR or FPSR was written. */
export function updateFloatLimits(view: DataView): void {
  const isPlain = (view.getUint32(STATE.fpcr, true) & UNLIKE_WEBASSEMBLY) === 0;
  const isInexact = (view.getUint32(STATE.fpsr, true) & FPSR.inexact) !== 0;
  const isFree = isPlain && isInexact;
  view.setUint32(STATE.floatLimit64, isFree ? FLOAT_LIMIT.f64 : 0, true);
  view.setUint32(STATE.floatLimit32, isFree ? FLOAT_LIMIT.f32 : 0, true);
}
