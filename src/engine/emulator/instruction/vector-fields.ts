/** What the fields of integer Advanced SIMD instructions mean (Arm ARM, C4.1.96, and the decoding of each in C7.2). */
import type { Fields } from "./row.ts";

/** Logarithm of an element's bytes. */
export type ElementSize = 0 | 1 | 2 | 3;

/**
 * By `size`, else by the highest one of `immh` (shifts by immediate; of those that narrow or widen, the narrow element's), else
 * by the lowest of `imm5` (copies of elements).
 */
export function elementSize({ size, immh, imm5 }: Fields): ElementSize {
  if (size !== undefined) return size as ElementSize;
  if (immh !== undefined) return (31 - Math.clz32(immh)) as ElementSize;
  if (imm5 !== undefined) return (31 - Math.clz32(imm5 & -imm5)) as ElementSize;
  throw new Error("the row has no element");
}

const elementBits = (fields: Fields): number => 8 << elementSize(fields);
const immediate = ({ immh = 0, immb = 0 }: Fields): number => 8 * immh + immb;

/** From 0 to the element's bits less one. */
export const leftShift = (fields: Fields): number => immediate(fields) - elementBits(fields);
/** From 1 to the element's bits. */
export const rightShift = (fields: Fields): number => 2 * elementBits(fields) - immediate(fields);

/** The element that `imm5` names, and of INS the source's, of which `imm4` names it. */
export const laneOf = (fields: Fields): number => (fields["imm5"] ?? 0) >> (elementSize(fields) + 1);
export const sourceLaneOf = (fields: Fields): number => (fields["imm4"] ?? 0) >> elementSize(fields);

/** The element of a vector of halves or words, of an instruction "by element". */
export const halfIndex = ({ H = 0, L = 0, M = 0 }: Fields): number => 4 * H + 2 * L + M;
export const wordIndex = ({ H = 0, L = 0 }: Fields): number => 2 * H + L;

/** Eight bits of an immediate, of which the pattern has two parts. */
export const immediateByte = ({ abc = 0, defgh = 0 }: Fields): number => 32 * abc + defgh;

/** Each bit of the immediate as eight. */
export function bitsAsBytes(fields: Fields): bigint {
  const byte = immediateByte(fields);
  let value = 0n;
  for (let bit = 0; bit < 8; bit++) if (((byte >> bit) & 1) === 1) value |= 0xffn << BigInt(8 * bit);
  return value;
}
