/** Advanced SIMD: integer arithmetic whose result is twice or half as wide, and by an element (Arm ARM, C7.2). */
import { halfIndex, wordIndex } from "../instruction/vector-fields.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";
import {
  add,
  everySecond,
  extend,
  extentOf,
  type Form,
  formOf,
  keep,
  lane,
  lowest,
  multiplyLong,
  named,
  pick,
  replicated,
  type Signedness,
  sub,
  type Vector,
  widened,
  withVectors,
  ZERO,
} from "./simd-lanes.ts";
import { doubled, saturatingSum, settled } from "./simd-saturating.ts";
import {
  type Definition,
  difference,
  HIGH_MULTIPLICATIONS,
  MULTIPLICATIONS,
  multiplyPolynomials,
} from "./simd-three-same.ts";

/**
 * Of two vectors that can be used more than once; the result has elements twice as wide as the form's.
 * @param isHigh where operands of the form's width are the upper half of a register.
 */
type LongDefinition = (op: Operation, form: Form, isHigh: boolean, a: Vector, b: Vector) => Vector;

/** The result fills the register, but for that of scalars. */
function long(op: Operation, form: Form, define: LongDefinition, a: Vector, b: Vector): void {
  const isHigh = form.extent === "whole";
  const { size, extent } = widened(form);
  const result: Form = { size, extent: extent === "element" ? extent : "whole" };
  op.writeVector("Rd", keep(result, define(op, form, isHigh, a, b)));
}

const threeDifferent =
  (isScalar: boolean) =>
  (define: LongDefinition): Semantics =>
    withVectors((op) => {
      const form = formOf(op, isScalar);
      long(op, form, define, op.code.let(op.readVector("Rn")), op.code.let(op.readVector("Rm")));
    });

type Combine = typeof add;

const extended =
  (combine: Combine, sign: Signedness): LongDefinition =>
  (_, form, isHigh, a, b) =>
    combine(widened(form), extend(form, sign, isHigh, a), extend(form, sign, isHigh, b));

/** The first operand is as wide as the result. */
const wide =
  (combine: Combine, sign: Signedness): LongDefinition =>
  (_, form, isHigh, a, b) =>
    combine(widened(form), a, extend(form, sign, isHigh, b));

const absoluteDifference =
  (sign: Signedness): LongDefinition =>
  (_, form, isHigh, a, b) =>
    extend(form, "u", isHigh, difference(form, sign, a, b));

const product =
  (sign: Signedness): LongDefinition =>
  (_, form, isHigh, a, b) =>
    multiplyLong(form, sign, isHigh, a, b);

const accumulated =
  (combine: Combine, define: LongDefinition): LongDefinition =>
  (op, form, isHigh, a, b) =>
    combine(widened(form), op.readVector("Rd"), define(op, form, isHigh, a, b));

/** The doubled product, which saturates, and its sum with the destination, which does so too. */
const doubledProduct =
  (accumulates?: "add" | "sub"): LongDefinition =>
  (op, form, isHigh, a, b) => {
    const result: Form = { ...widened(form), extent: form.extent === "element" ? "element" : "whole" };
    const product = settled(op, result, doubled(op, form, op.code.let(multiplyLong(form, "s", isHigh, a, b))));
    if (accumulates === undefined) return product;
    const before = op.code.let(op.readVector("Rd"));
    return settled(op, result, saturatingSum(op, result, accumulates, "s", [before, product]));
  };

const LONG_MULTIPLICATIONS: Readonly<Record<string, LongDefinition>> = {
  SMULL: product("s"),
  UMULL: product("u"),
  SMLAL: accumulated(add, product("s")),
  UMLAL: accumulated(add, product("u")),
  SMLSL: accumulated(sub, product("s")),
  UMLSL: accumulated(sub, product("u")),
};
const SATURATING_MULTIPLICATIONS: Readonly<Record<string, LongDefinition>> = {
  SQDMULL: doubledProduct(),
  SQDMLAL: doubledProduct("add"),
  SQDMLSL: doubledProduct("sub"),
};

const LONG: Readonly<Record<string, LongDefinition>> = {
  ...LONG_MULTIPLICATIONS,
  SADDL: extended(add, "s"),
  UADDL: extended(add, "u"),
  SSUBL: extended(sub, "s"),
  USUBL: extended(sub, "u"),
  SADDW: wide(add, "s"),
  UADDW: wide(add, "u"),
  SSUBW: wide(sub, "s"),
  USUBW: wide(sub, "u"),
  SABDL: absoluteDifference("s"),
  UABDL: absoluteDifference("u"),
  SABAL: accumulated(add, absoluteDifference("s")),
  UABAL: accumulated(add, absoluteDifference("u")),
};

/** Lower or upper halves of wide elements: into the destination's lower half, or above what that has. */
export function writeNarrow(op: Operation, { size, extent }: Form, wideElements: Vector, part: 0 | 1): void {
  if (extent !== "whole") {
    op.writeVector("Rd", keep({ size, extent }, everySecond(size, wideElements, ZERO, part)));
    return;
  }
  const lanes = 8 >> size;
  const places = Array.from({ length: 2 * lanes }, (_, index) => (index < lanes ? index : 2 * index + part));
  op.writeVector("Rd", pick(size, op.readVector("Rd"), wideElements, places));
}

/** The upper halves of sums. */
const narrow = (combine: Combine, rounds: boolean): Semantics =>
  withVectors((op) => {
    const form = formOf(op, false);
    const result = widened(form);
    const sum = combine(result, op.readVector("Rn"), op.readVector("Rm"));
    const rounded = rounds ? add(result, sum, replicated(result, lowest(form))) : sum;
    writeNarrow(op, form, rounded, 1);
  });

interface ElementKind {
  readonly name: string;
  readonly size: 1 | 2;
  readonly index: typeof halfIndex;
}
const ELEMENTS: readonly ElementKind[] = [
  { name: "halves", size: 1, index: halfIndex },
  { name: "words", size: 2, index: wordIndex },
];

function byElement(
  isScalar: boolean,
  { size, index }: ElementKind,
  define: (op: Operation, form: Form, a: Vector, b: Vector) => void,
): Semantics {
  return withVectors((op) => {
    const form: Form = { size, extent: isScalar ? "element" : extentOf(op) };
    const at = op.choose("lane", ({ fields }) => index(fields));
    const a = op.code.let(op.readVector("Rn"));
    define(op, form, a, op.code.let(lane(size, op.code.let(op.readVector("Rm")), at)));
  });
}

const elementSuffix = (isScalar: boolean, { name }: ElementKind) =>
  `(${isScalar ? "SIMD scalar" : "vector"}, by element of ${name})`;

function sameByElement(definitions: Readonly<Record<string, Definition>>, isScalar: boolean): SemanticsTable {
  const tables = ELEMENTS.map((kind) =>
    named(definitions, elementSuffix(isScalar, kind), (define) =>
      byElement(isScalar, kind, (op, form, a, b) => op.writeVector("Rd", keep(form, define(op, form, a, b)))),
    ),
  );
  return Object.assign({}, ...tables);
}

function longByElement(definitions: Readonly<Record<string, LongDefinition>>, isScalar: boolean): SemanticsTable {
  const tables = ELEMENTS.map((kind) =>
    named(definitions, elementSuffix(isScalar, kind), (define) =>
      byElement(isScalar, kind, (op, form, a, b) => long(op, form, define, a, b)),
    ),
  );
  return Object.assign({}, ...tables);
}

export const SIMD_THREE_DIFFERENT: SemanticsTable = {
  ...named({ ...LONG, ...SATURATING_MULTIPLICATIONS }, "(vector)", threeDifferent(false)),
  ...named(SATURATING_MULTIPLICATIONS, "(SIMD scalar)", threeDifferent(true)),
  "ADDHN (vector)": narrow(add, false),
  "RADDHN (vector)": narrow(add, true),
  "SUBHN (vector)": narrow(sub, false),
  "RSUBHN (vector)": narrow(sub, true),
  "PMULL (bytes)": withVectors((op) => {
    const isHigh = extentOf(op) === "whole";
    op.writeVector("Rd", multiplyPolynomials(op, isHigh, op.readVector("Rn"), op.readVector("Rm")));
  }),
  ...sameByElement({ ...MULTIPLICATIONS, ...HIGH_MULTIPLICATIONS }, false),
  ...sameByElement(HIGH_MULTIPLICATIONS, true),
  ...longByElement({ ...LONG_MULTIPLICATIONS, ...SATURATING_MULTIPLICATIONS }, false),
  ...longByElement(SATURATING_MULTIPLICATIONS, true),
};
