/** Integer elements at their ends (Arm ARM, `SatQ`): results, and where they are not what was computed. */
import type { i32 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { Operation } from "./operation.ts";
import {
  add,
  and,
  andNot,
  binary,
  bitsOf,
  compare,
  extreme,
  type Form,
  lowest,
  noteSaturation,
  or,
  prefixOf,
  replicated,
  type Signedness,
  shiftBy,
  signs,
  sub,
  type Vector,
  widened,
  xor,
  ZERO,
} from "./simd-lanes.ts";

/** Both can be used more than once; bits of `where` are set in elements that saturated, in no others. */
export interface Saturated {
  readonly value: Vector;
  readonly where: Vector;
}

/** The value, with FPSR.QC noted. */
export function settled(op: Operation, form: Form, { value, where }: Saturated): Vector {
  noteSaturation(op, form, where);
  return value;
}

type Operands = readonly [a: Vector, b: Vector];

/** Sum or difference of elements; the operands can be used more than once. */
export function saturatingSum(
  op: Operation,
  form: Form,
  name: "add" | "sub",
  sign: Signedness,
  [a, b]: Operands,
): Saturated {
  const { code } = op;
  const prefix = prefixOf(form);
  const plain = code.let(binary(form, name, a, b));
  if (prefix === "i8x16" || prefix === "i16x8") {
    const value = code.let(v128.binary(`${prefix}.${name}_sat_${sign}`, a, b));
    return { value, where: code.let(xor(value, plain)) };
  }
  if (sign === "u") {
    // A carry is in a sum that is smaller than what was added to, a borrow where more is taken away than there is.
    const where = code.let(name === "add" ? compare(form, "gt", "u", a, plain) : compare(form, "gt", "u", b, a));
    return { value: code.let(name === "add" ? or(plain, where) : andNot(plain, where)), where };
  }
  const other = name === "add" ? xor(b, plain) : xor(a, b);
  const where = code.let(signs(form, and(xor(a, plain), other)));
  return { value: code.let(v128.bitselect(nearestEnd(form, a), plain, where)), where };
}

/** The end of the signed range on whose side a value lies. */
export const nearestEnd = (form: Form, a: Vector): Vector => xor(signs(form, a), replicated(form, lowest(form) - 1n));

/** Of a signed accumulator and an unsigned operand: with the sign flipped, sums are unsigned. */
export function addUnsignedToSigned(op: Operation, form: Form, accumulator: Vector, operand: Vector): Saturated {
  const flip = () => replicated(form, lowest(form));
  const flipped = op.code.let(xor(accumulator, flip()));
  const { value, where } = saturatingSum(op, form, "add", "u", [flipped, operand]);
  return { value: op.code.let(xor(value, flip())), where };
}

/** Of an unsigned accumulator and a signed operand: what is positive is added, what is negative taken away. */
export function addSignedToUnsigned(op: Operation, form: Form, accumulator: Vector, operand: Vector): Saturated {
  const { code } = op;
  const isNegative = code.let(signs(form, operand));
  const positive = code.let(andNot(operand, isNegative));
  const negative = code.let(and(sub(form, ZERO, operand), isNegative));
  const sum = saturatingSum(op, form, "add", "u", [accumulator, positive]);
  const rest = saturatingSum(op, form, "sub", "u", [sum.value, negative]);
  return { value: rest.value, where: code.let(or(sum.where, rest.where)) };
}

/** A magnitude or negative, of which that of the lowest number does not fit. */
export function magnitude(op: Operation, form: Form, name: "abs" | "neg", a: Vector): Saturated {
  const where = op.code.let(binary(form, "eq", a, replicated(form, lowest(form))));
  return { value: op.code.let(xor(v128.unary(`${prefixOf(form)}.${name}`, a), where)), where };
}

/** Where shifting back does not give the operand. @param amount can be used more than once. */
export function shiftedLeft(
  op: Operation,
  form: Form,
  from: Signedness,
  to: Signedness,
  a: Vector,
  amount: ReturnType<typeof i32.of>,
): Saturated {
  const { code } = op;
  const plain = code.let(shiftBy(form, "shl", a, amount));
  const back = shiftBy(form, from === to && from === "s" ? "shr_s" : "shr_u", plain, amount);
  const where = code.let(binary(form, "ne", back, a));
  if (to === "s") return { value: code.let(v128.bitselect(nearestEnd(form, a), plain, where)), where };
  if (from === "u") return { value: code.let(or(plain, where)), where };
  const isNegative = code.let(signs(form, a));
  return { value: code.let(andNot(or(plain, where), isNegative)), where: code.let(or(where, isNegative)) };
}

/**
 * Elements as near as half their bits allow, still in all of them.
 * @param form of the wide elements. @param from how they are to be read. @param to how half the bits are.
 */
export function narrowed(op: Operation, form: Form, from: Signedness, to: Signedness, wide: Vector): Saturated {
  const { code } = op;
  const halfBits = BigInt(bitsOf(form) / 2);
  const greatest = to === "u" ? (1n << halfBits) - 1n : (1n << (halfBits - 1n)) - 1n;
  const least = to === "u" ? 0n : -(1n << (halfBits - 1n));
  let value: Vector;
  if (form.size !== 3) {
    const floor = from === "u" ? wide : extreme(form, "max", "s", wide, replicated(form, least));
    value = code.let(extreme(form, "min", from, floor, replicated(form, greatest)));
  } else {
    const isAbove = code.let(compare(form, "gt", from, wide, replicated(form, greatest)));
    const below =
      from === "u"
        ? wide
        : v128.bitselect(replicated(form, least), wide, compare(form, "gt", "s", replicated(form, least), wide));
    value = code.let(v128.bitselect(replicated(form, greatest), below, isAbove));
  }
  return { value, where: code.let(xor(value, wide)) };
}

/** Twice a product of which both factors may be the lowest number. @param form of the factors. */
export function doubled(op: Operation, form: Form, product: Vector): Saturated {
  const wide = widened(form);
  const plain = op.code.let(add(wide, product, product));
  const where = op.code.let(binary(wide, "eq", plain, replicated(wide, lowest(wide))));
  return { value: op.code.let(xor(plain, where)), where };
}
