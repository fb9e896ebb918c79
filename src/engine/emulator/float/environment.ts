/** FPCR as a computation sees it, and FPSR's flags as it sets them (Arm ARM, C5.2.7 and C5.2.8). */
import { absolute, defaultNan, type Format, isNan, SINGLE, type Unpacked, unpackExactly, zero } from "./format.ts";

/** FPCR.RMode has the first four. */
export const ROUNDING = {
  nearest: 0,
  up: 1,
  down: 2,
  towardsZero: 3,
  /** To nearest, ties away from zero. */
  tiesAway: 4,
  /** Down in magnitude, with the lowest bit set where that is inexact: of FCVTXN. */
  odd: 5,
} as const;
export type Rounding = (typeof ROUNDING)[keyof typeof ROUNDING];

export const FPCR = { roundingShift: 22, flushes: 1 << 24, defaultNan: 1 << 25, alternativeHalf: 1 << 26 } as const;
export const FPSR = {
  invalid: 1 << 0,
  divideByZero: 1 << 1,
  overflow: 1 << 2,
  underflow: 1 << 3,
  inexact: 1 << 4,
  inputDenormal: 1 << 7,
} as const;

export class FloatEnvironment {
  readonly rounding: Rounding;
  readonly flushes: boolean;
  readonly usesDefaultNan: boolean;
  readonly usesAlternativeHalf: boolean;
  /** What was raised, in FPSR's bits. */
  raised = 0;

  constructor(fpcr: number) {
    this.rounding = ((fpcr >>> FPCR.roundingShift) & 3) as Rounding;
    this.flushes = (fpcr & FPCR.flushes) !== 0;
    this.usesDefaultNan = (fpcr & FPCR.defaultNan) !== 0;
    this.usesAlternativeHalf = (fpcr & FPCR.alternativeHalf) !== 0;
  }

  raise(flags: number): void {
    this.raised |= flags;
  }

  /** An operand (`FPUnpack`): denormals become zero where FPCR.FZ says so, half precision apart. */
  unpack(format: Format, bits: bigint): Unpacked {
    const operand = unpackExactly(format, bits);
    if (!this.flushes || operand.kind !== "finite" || format.bits < SINGLE.bits) return operand;
    if (operand.significand > format.fractionMask) return operand;
    this.raise(FPSR.inputDenormal);
    const { isNegative } = operand;
    return { kind: "zero", isNegative, significand: 0n, exponent: 0, bits: zero(format, isNegative) };
  }

  /** The result of an operation that has none (`FPDefaultNaN`, InvalidOp). */
  invalid(format: Format): bigint {
    this.raise(FPSR.invalid);
    return defaultNan(format);
  }

  /** The result of operands of which one is a NaN (`FPProcessNaNs`); undefined where none is. */
  nanOf(format: Format, ...operands: readonly Unpacked[]): bigint | undefined {
    const found = operands.find(({ kind }) => kind === "signalling") ?? operands.find(isNan);
    return found === undefined ? undefined : this.quieted(format, found);
  }

  quieted(format: Format, { kind, bits }: Unpacked): bigint {
    if (kind === "signalling") this.raise(FPSR.invalid);
    return this.usesDefaultNan ? defaultNan(format) : bits | format.quietBit;
  }
}

/** The magnitude alone, of an operand for FACGE and FACGT. */
export function magnitude(format: Format, operand: Unpacked): Unpacked {
  return { ...operand, isNegative: false, bits: absolute(format, operand.bits) };
}
