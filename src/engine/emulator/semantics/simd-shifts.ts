/** Advanced SIMD: shifts by an immediate (Arm ARM, C7.2). */
import type { Fields } from "../instruction/row.ts";
import { elementSize, leftShift, rightShift } from "../instruction/vector-fields.ts";
import type { Expr } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";
import {
  add,
  and,
  bitsOf,
  extend,
  type Form,
  formOf,
  named,
  type OfOneVector,
  ofOneVector,
  replicated,
  type Signedness,
  shiftBy,
  type Vector,
  widened,
  withVectors,
  ZERO,
} from "./simd-lanes.ts";
import { narrowed, settled, shiftedLeft } from "./simd-saturating.ts";
import { writeNarrow } from "./simd-three-different.ts";

/** A right shift of 1 to the element's bits. */
function right(op: Operation, form: Form, sign: Signedness, a: Vector): Vector {
  const bits = bitsOf(form);
  if (sign === "s") {
    return shiftBy(
      form,
      "shr_s",
      a,
      op.i32((fields) => Math.min(rightShift(fields), bits - 1)),
    );
  }
  const isAll = op.choose("shifts all out", ({ fields }) => (rightShift(fields) === bits ? 1 : 0)) === 1;
  return isAll ? ZERO : shiftBy(form, "shr_u", a, op.i32(rightShift));
}

/** Rounded by the last bit that is shifted out. */
function rightRounded(op: Operation, form: Form, sign: Signedness, a: Vector): Vector {
  const last = shiftBy(
    form,
    "shr_u",
    a,
    op.i32((fields) => rightShift(fields) - 1),
  );
  return add(form, right(op, form, sign, a), and(last, replicated(form, 1n)));
}

type Right = typeof right;

const rightBy =
  (how: Right, sign: Signedness): OfOneVector =>
  (op, form, a) =>
    how(op, form, sign, a);
const accumulated =
  (define: OfOneVector): OfOneVector =>
  (op, form, a) =>
    add(form, op.readVector("Rd"), define(op, form, a));

/** Ones where the shifted operand is put into the destination, in 64 bits. */
function insertionMask(fields: Fields, direction: "left" | "right"): bigint {
  const bits = 8 << elementSize(fields);
  const ones = (1n << BigInt(bits)) - 1n;
  const element =
    direction === "right" ? ones >> BigInt(rightShift(fields)) : (ones << BigInt(leftShift(fields))) & ones;
  let mask = 0n;
  for (let at = 0; at < 64; at += bits) mask |= element << BigInt(at);
  return mask;
}

const insert =
  (direction: "left" | "right"): OfOneVector =>
  (op, form, a) => {
    const shifted = direction === "right" ? right(op, form, "u", a) : shiftBy(form, "shl", a, op.i32(leftShift));
    const mask = v128.splat(
      "i64x2.splat",
      op.i64((fields) => insertionMask(fields, direction)),
    );
    return v128.bitselect(shifted, op.readVector("Rd"), mask);
  };

const saturatingLeft =
  (from: Signedness, to: Signedness): OfOneVector =>
  (op, form, a) => {
    const amount: Expr<"i32"> = op.code.let(op.i32(leftShift));
    return settled(op, form, shiftedLeft(op, form, from, to, a, amount));
  };

/** By less than the wide element's bits, then half of them. */
const narrow = (rounds: boolean): Semantics =>
  withVectors((op) => {
    const form = formOf(op, false);
    const wide = widened(form);
    const rounding = () => {
      const half = op.i64((fields) => roundingConstant(wide, rightShift(fields)));
      return add(wide, op.readVector("Rn"), v128.splat("i64x2.splat", half));
    };
    const shifted = shiftBy(wide, "shr_u", rounds ? rounding() : op.readVector("Rn"), op.i32(rightShift));
    writeNarrow(op, form, shifted, 0);
  });

/** Half of what the lowest bit that stays is worth, in each element of 64 bits. */
function roundingConstant(form: Form, amount: number): bigint {
  let value = 0n;
  for (let at = 0; at < 64; at += bitsOf(form)) value |= 1n << BigInt(at + amount - 1);
  return value;
}

interface Narrowing {
  readonly rounds: boolean;
  readonly from: Signedness;
  readonly to: Signedness;
}

const saturatingNarrow =
  (isScalar: boolean) =>
  ({ rounds, from, to }: Narrowing): Semantics =>
    withVectors((op) => {
      const form = formOf(op, isScalar);
      const wide: Form = { ...widened(form), extent: isScalar ? "element" : "whole" };
      const a = op.code.let(op.readVector("Rn"));
      const name = from === "s" ? "shr_s" : "shr_u";
      const plain = shiftBy(wide, name, a, op.i32(rightShift));
      const last = () =>
        shiftBy(
          wide,
          "shr_u",
          a,
          op.i32((fields) => rightShift(fields) - 1),
        );
      const shifted = op.code.let(rounds ? add(wide, plain, and(last(), replicated(wide, 1n))) : plain);
      writeNarrow(op, form, settled(op, wide, narrowed(op, wide, from, to, shifted)), 0);
    });

const long = (sign: Signedness): Semantics =>
  withVectors((op) => {
    const form = formOf(op, false);
    const wide = extend(form, sign, form.extent === "whole", op.readVector("Rn"));
    op.writeVector("Rd", shiftBy(widened(form), "shl", wide, op.i32(leftShift)));
  });

const SAME: Readonly<Record<string, OfOneVector>> = {
  SSHR: rightBy(right, "s"),
  USHR: rightBy(right, "u"),
  SRSHR: rightBy(rightRounded, "s"),
  URSHR: rightBy(rightRounded, "u"),
  SSRA: accumulated(rightBy(right, "s")),
  USRA: accumulated(rightBy(right, "u")),
  SRSRA: accumulated(rightBy(rightRounded, "s")),
  URSRA: accumulated(rightBy(rightRounded, "u")),
  SHL: (op, form, a) => shiftBy(form, "shl", a, op.i32(leftShift)),
  SRI: insert("right"),
  SLI: insert("left"),
  SQSHL: saturatingLeft("s", "s"),
  UQSHL: saturatingLeft("u", "u"),
  SQSHLU: saturatingLeft("s", "u"),
};

const NARROW: Readonly<Record<string, Narrowing>> = {
  SQSHRN: { rounds: false, from: "s", to: "s" },
  SQRSHRN: { rounds: true, from: "s", to: "s" },
  UQSHRN: { rounds: false, from: "u", to: "u" },
  UQRSHRN: { rounds: true, from: "u", to: "u" },
  SQSHRUN: { rounds: false, from: "s", to: "u" },
  SQRSHRUN: { rounds: true, from: "s", to: "u" },
};

const VECTOR = "(vector, immediate)";
const SCALAR = "(SIMD scalar, immediate)";

export const SIMD_SHIFTS: SemanticsTable = {
  ...named(SAME, VECTOR, ofOneVector(false)),
  ...named(SAME, SCALAR, ofOneVector(true)),
  ...named(NARROW, VECTOR, saturatingNarrow(false)),
  ...named(NARROW, SCALAR, saturatingNarrow(true)),
  [`SHRN ${VECTOR}`]: narrow(false),
  [`RSHRN ${VECTOR}`]: narrow(true),
  [`SSHLL ${VECTOR}`]: long("s"),
  [`USHLL ${VECTOR}`]: long("u"),
};
