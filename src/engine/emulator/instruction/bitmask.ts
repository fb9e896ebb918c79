/** The immediates of the logical instructions (Arm ARM, `DecodeBitMasks`, shared/functions/vector). */

/** Bits of the repeated element; 0 where the fields are reserved. */
export function bitmaskElementBits(immN: number, imms: number): number {
  const pattern = (immN << 6) | (~imms & 0x3f);
  const length = 31 - Math.clz32(pattern);
  if (length < 1) return 0;
  const bits = 1 << length;
  return (imms & (bits - 1)) === bits - 1 ? 0 : bits;
}

/** @returns 64 bits, whatever the instruction's width. The fields must not be reserved. */
export function bitmaskImmediate(immN: number, immr: number, imms: number): bigint {
  const bits = bitmaskElementBits(immN, imms);
  const ones = BigInt((imms & (bits - 1)) + 1);
  const turn = BigInt(immr & (bits - 1));
  const width = BigInt(bits);
  const run = (1n << ones) - 1n;
  const element = BigInt.asUintN(bits, (run >> turn) | (run << (width - turn)));
  let value = element;
  for (let filled = width; filled < 64n; filled += width) value |= element << filled;
  return value;
}
