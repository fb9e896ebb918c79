/** The constants of FMOV (immediate) in eight bits (Arm ARM, shared/functions/float/vfpexpandimm). */

/** A sign, three bits of exponent and four of fraction: 0.125 to 31. */
export function expandImmediate(imm8: number): number {
  const exponent = ((imm8 >> 4) & 7) ^ 4;
  const magnitude = (1 + (imm8 & 15) / 16) * 2 ** (exponent - 3);
  return (imm8 & 0x80) !== 0 ? -magnitude : magnitude;
}
