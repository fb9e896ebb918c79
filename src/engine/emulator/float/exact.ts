/** Every floating-point operation by a number: what generated code asks of the software, and how that is answered. */
import { STATE } from "../layout.ts";
import {
  add,
  type Binary,
  divide,
  multiply,
  multiplyAdd,
  multiplyExtended,
  reciprocalStep,
  rootStep,
  squareRoot,
  subtract,
} from "./arithmetic.ts";
import {
  absoluteGreaterMask,
  absoluteGreaterOrEqualMask,
  compareFlags,
  equalMask,
  greaterMask,
  greaterOrEqualMask,
  maximum,
  maximumNumber,
  minimum,
  minimumNumber,
} from "./compare.ts";
import { convert, fromInteger, type IntegerFormat, toInteger, toIntegral } from "./convert.ts";
import { FloatEnvironment, type Rounding } from "./environment.ts";
import {
  reciprocalEstimate,
  reciprocalExponent,
  reciprocalRootEstimate,
  unsignedReciprocal,
  unsignedReciprocalRoot,
} from "./estimate.ts";
import { absolute, DOUBLE, type Format, HALF, SINGLE } from "./format.ts";
import { updateFloatLimits } from "./limits.ts";

const absoluteDifference: Binary = (environment, format, a, b) => absolute(format, subtract(environment, format, a, b));

const BINARY = {
  add,
  sub: subtract,
  mul: multiply,
  div: divide,
  mulx: multiplyExtended,
  abd: absoluteDifference,
  max: maximum,
  min: minimum,
  maxnm: maximumNumber,
  minnm: minimumNumber,
  recps: reciprocalStep,
  rsqrts: rootStep,
  eq: equalMask,
  ge: greaterOrEqualMask,
  gt: greaterMask,
  absoluteGe: absoluteGreaterOrEqualMask,
  absoluteGt: absoluteGreaterMask,
} as const satisfies Record<string, Binary>;

type Unary = (environment: FloatEnvironment, format: Format, a: bigint) => bigint;

const UNARY = {
  sqrt: squareRoot,
  recpe: reciprocalEstimate,
  rsqrte: reciprocalRootEstimate,
  recpx: reciprocalExponent,
  unsignedRecpe: (_, __, a) => unsignedReciprocal(a),
  unsignedRsqrte: (_, __, a) => unsignedReciprocalRoot(a),
  /** Zero in place of a denormal where FPCR.FZ asks for that. */
  flush: (environment, format, a) => environment.unpack(format, a).bits,
} as const satisfies Record<string, Unary>;

const OTHERS = ["fma", "compare", "convert", "toInteger", "fromInteger", "toIntegral"] as const;

type BinaryOperation = keyof typeof BINARY;
type UnaryOperation = keyof typeof UNARY;
export type ExactOperation = BinaryOperation | UnaryOperation | (typeof OTHERS)[number];

const OPERATIONS = [...Object.keys(BINARY), ...Object.keys(UNARY), ...OTHERS] as readonly ExactOperation[];
const FORMATS = [HALF, SINGLE, DOUBLE] as const;
export const FORMAT_NUMBER = { half: 0, single: 1, double: 2 } as const;
export type FormatName = keyof typeof FORMAT_NUMBER;

/** What an operation asks for beside its operands. */
export interface ExactOptions {
  /** Of the operands, and of the result but for `convert`; of integers' floating-point side. */
  readonly format: FormatName;
  /** Of `convert`. */
  readonly to?: FormatName;
  /** FPCR's where it is left out. */
  readonly rounding?: Rounding;
  readonly isUnsigned?: boolean;
  /** Integers of 64 bits. */
  readonly isWide?: boolean;
  /** Of `compare`: any NaN is invalid. Of `toIntegral`: raises Inexact. */
  readonly signals?: boolean;
  /** Of integers. */
  readonly fractionBits?: number;
}

const ROUNDING_OF_FPCR = 7;
const SHIFT = { format: 6, to: 8, rounding: 10, isUnsigned: 13, isWide: 14, signals: 15, fractionBits: 16 } as const;

/** The number by which `exact` knows an operation. */
export function exactCode(operation: ExactOperation, options: ExactOptions): number {
  const { format, to = format, rounding = ROUNDING_OF_FPCR, fractionBits = 0 } = options;
  return (
    OPERATIONS.indexOf(operation) |
    (FORMAT_NUMBER[format] << SHIFT.format) |
    (FORMAT_NUMBER[to] << SHIFT.to) |
    (rounding << SHIFT.rounding) |
    (Number(options.isUnsigned ?? false) << SHIFT.isUnsigned) |
    (Number(options.isWide ?? false) << SHIFT.isWide) |
    (Number(options.signals ?? false) << SHIFT.signals) |
    (fractionBits << SHIFT.fractionBits)
  );
}

const isBinary = (operation: ExactOperation): operation is BinaryOperation => Object.hasOwn(BINARY, operation);
const isUnary = (operation: ExactOperation): operation is UnaryOperation => Object.hasOwn(UNARY, operation);

/** Does an operation of a number. @param a and others in their low bits. */
export function compute(environment: FloatEnvironment, code: number, a: bigint, b: bigint, c: bigint): bigint {
  const operation = OPERATIONS[code & 63];
  const format = FORMATS[(code >> SHIFT.format) & 3];
  const to = FORMATS[(code >> SHIFT.to) & 3];
  if (operation === undefined || format === undefined || to === undefined) throw new RangeError(`no operation ${code}`);
  const own = (value: bigint) => BigInt.asUintN(format.bits, value);
  if (isBinary(operation)) return BINARY[operation](environment, format, own(a), own(b));
  if (isUnary(operation)) return UNARY[operation](environment, format, own(a));
  const asked = (code >> SHIFT.rounding) & 7;
  const rounding = asked === ROUNDING_OF_FPCR ? environment.rounding : (asked as Rounding);
  const signals = ((code >> SHIFT.signals) & 1) === 1;
  const integer: IntegerFormat = {
    bits: ((code >> SHIFT.isWide) & 1) === 1 ? 64 : 32,
    isUnsigned: ((code >> SHIFT.isUnsigned) & 1) === 1,
    fractionBits: code >> SHIFT.fractionBits,
  };
  switch (operation) {
    case "fma":
      return multiplyAdd(environment, format, own(a), own(b), own(c));
    case "compare":
      compareFlags(environment, format, own(a), own(b), signals);
      return 0n;
    case "convert":
      return convert(environment, format, to, own(a), rounding);
    case "toInteger":
      return toInteger(environment, format, own(a), integer, rounding);
    case "fromInteger":
      return fromInteger(environment, format, a, integer);
    case "toIntegral":
      return toIntegral(environment, format, own(a), rounding, signals);
  }
}

/** The function `exact` of a machine. @param view of its memory, where FPCR and FPSR lie. */
export function exactFunction(view: DataView): (code: number, a: bigint, b: bigint, c: bigint) => bigint {
  return (code, a, b, c) => {
    const environment = new FloatEnvironment(view.getUint32(STATE.fpcr, true));
    const result = compute(environment, code, a, b, c);
    const { raised } = environment;
    if (raised !== 0) {
      view.setUint32(STATE.fpsr, view.getUint32(STATE.fpsr, true) | raised, true);
      updateFloatLimits(view);
    }
    return result;
  };
}
