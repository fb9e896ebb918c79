/** Floating point of vectors, and of scalars by Advanced SIMD's instructions, but for conversions (Arm ARM, C7). */
import {
  arithmetic,
  arithmeticBy,
  codeOf,
  extreme,
  multiplyAdd,
  roundToIntegral,
  squareRoot,
  unlessNan,
} from "./float-shape.ts";
import { pick, selectShape, VECTORS, type Vector, type VectorShape } from "./float-vector.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";

type UnaryDefinition = (op: Operation, shape: VectorShape, a: Vector) => Vector;
type BinaryDefinition = (op: Operation, shape: VectorShape, a: Vector, b: Vector) => Vector;
type TernaryDefinition = (op: Operation, shape: VectorShape, addend: Vector, a: Vector, b: Vector) => Vector;

const VECTOR = "(vector)";
const SCALAR = "(SIMD scalar)";

/** Runs a definition with the shape that the fields tell. */
export function shaped(isScalar: boolean, define: (op: Operation, shape: VectorShape) => void): Semantics {
  return (op) => {
    op.requireVectors();
    define(op, selectShape(op, isScalar));
  };
}

const unary = (isScalar: boolean, define: UnaryDefinition): Semantics =>
  shaped(isScalar, (op, shape) => shape.write(op, "Rd", define(op, shape, shape.read(op, "Rn"))));

const binary = (isScalar: boolean, define: BinaryDefinition): Semantics =>
  shaped(isScalar, (op, shape) => shape.write(op, "Rd", define(op, shape, shape.read(op, "Rn"), shape.read(op, "Rm"))));

const ternary = (isScalar: boolean, define: TernaryDefinition): Semantics =>
  shaped(isScalar, (op, shape) => {
    const [addend, a, b] = [shape.read(op, "Rd"), shape.read(op, "Rn"), shape.read(op, "Rm")];
    shape.write(op, "Rd", define(op, shape, addend, a, b));
  });

const fused: TernaryDefinition = (op, shape, addend, a, b) => multiplyAdd(op, shape, addend, a, b);
const fusedNegated: TernaryDefinition = (op, shape, addend, a, b) =>
  multiplyAdd(op, shape, addend, op.code.let(shape.neg(a)), b);

/** By the software alone. */
const inSoftware =
  (operation: "recps" | "rsqrts"): BinaryDefinition =>
  (op, shape, a, b) =>
    shape.exact(op, codeOf(shape, operation), [a, b]);
const estimate =
  (operation: "recpe" | "rsqrte" | "recpx"): UnaryDefinition =>
  (op, shape, a) =>
    shape.exact(op, codeOf(shape, operation), [a]);

type Comparison = "eq" | "ge" | "gt";

const compare =
  (name: Comparison): BinaryDefinition =>
  (op, shape, a, b) =>
    unlessNan(op, shape, shape.compare(name, a, b), [a, b], codeOf(shape, name));

const compareMagnitudes =
  (name: "ge" | "gt"): BinaryDefinition =>
  (op, shape, a, b) => {
    const code = codeOf(shape, name === "ge" ? "absoluteGe" : "absoluteGt");
    return unlessNan(op, shape, shape.compare(name, shape.abs(a), shape.abs(b)), [a, b], code);
  };

/** @param swaps compares zero with the operand. */
const compareWithZero =
  (name: Comparison, swaps: boolean): UnaryDefinition =>
  (op, shape, a) => {
    const zero = op.code.let(shape.of(0));
    return swaps ? compare(name)(op, shape, zero, a) : compare(name)(op, shape, a, zero);
  };

const add: BinaryDefinition = (op, shape, a, b) => arithmetic(op, shape, "add", a, b);
const extremeOf =
  (operation: "max" | "min" | "maxnm" | "minnm"): BinaryDefinition =>
  (op, shape, a, b) =>
    extreme(op, shape, operation, a, b);

const EXTREMES = { FMAX: "max", FMIN: "min", FMAXNM: "maxnm", FMINNM: "minnm" } as const;

const THREE_SAME: Readonly<Record<string, BinaryDefinition>> = {
  FADD: add,
  FSUB: (op, shape, a, b) => arithmetic(op, shape, "sub", a, b),
  FMUL: (op, shape, a, b) => arithmetic(op, shape, "mul", a, b),
  FDIV: (op, shape, a, b) => arithmetic(op, shape, "div", a, b),
  ...Object.fromEntries(Object.entries(EXTREMES).map(([name, operation]) => [name, extremeOf(operation)])),
};

/** With a scalar form beside that of vectors. */
const THREE_SAME_BOTH: Readonly<Record<string, BinaryDefinition>> = {
  FMULX: (op, shape, a, b) => arithmeticBy(op, shape, "mulx", a, b),
  FABD: (op, shape, a, b) => arithmeticBy(op, shape, "abd", a, b),
  FRECPS: inSoftware("recps"),
  FRSQRTS: inSoftware("rsqrts"),
  FCMEQ: compare("eq"),
  FCMGE: compare("ge"),
  FCMGT: compare("gt"),
  FACGE: compareMagnitudes("ge"),
  FACGT: compareMagnitudes("gt"),
};

const TWO: Readonly<Record<string, UnaryDefinition>> = {
  FABS: (_, shape, a) => shape.abs(a),
  FNEG: (_, shape, a) => shape.neg(a),
  FSQRT: squareRoot,
  ...Object.fromEntries(
    (["N", "P", "M", "Z", "A", "X", "I"] as const).map((letter): [string, UnaryDefinition] => [
      `FRINT${letter}`,
      (op, shape, a) => roundToIntegral(op, shape, letter, a),
    ]),
  ),
};

const TWO_BOTH: Readonly<Record<string, UnaryDefinition>> = {
  FRECPE: estimate("recpe"),
  FRSQRTE: estimate("rsqrte"),
  "FCMEQ zero": compareWithZero("eq", false),
  "FCMGE zero": compareWithZero("ge", false),
  "FCMGT zero": compareWithZero("gt", false),
  "FCMLE zero": compareWithZero("ge", true),
  "FCMLT zero": compareWithZero("gt", true),
};

/** Neighbouring lanes of two vectors, first those of the first. */
const pairwise = (define: BinaryDefinition): Semantics =>
  shaped(false, (op, shape) => {
    const [a, b] = [shape.read(op, "Rn"), shape.read(op, "Rm")];
    const lanes = shape.isDouble ? [0, 2] : shape.lanes === 2 ? [0, 4, 0, 4] : [0, 2, 4, 6];
    const bytes = shape.isDouble ? 8 : 4;
    const evens = op.code.let(pick(a, b, bytes, lanes));
    const odds = op.code.let(
      pick(
        a,
        b,
        bytes,
        lanes.map((lane) => lane + 1),
      ),
    );
    shape.write(op, "Rd", define(op, shape, evens, odds));
  });

/** One lane again and again. */
function lane(op: Operation, { isDouble }: VectorShape, vector: Vector, index: number): Vector {
  return op.code.let(pick(vector, vector, isDouble ? 8 : 4, new Array<number>(isDouble ? 2 : 4).fill(index)));
}

/** The two lowest lanes to a scalar. */
const pairToScalar = (define: BinaryDefinition): Semantics =>
  shaped(true, (op, shape) => {
    const vector = op.code.let(op.readVector("Rn"));
    shape.write(op, "Rd", define(op, shape, lane(op, shape, vector, 0), lane(op, shape, vector, 1)));
  });

/** Four lanes to a scalar: in pairs, then the pairs (`Reduce`). */
const across = (define: BinaryDefinition): Semantics => {
  const shape = VECTORS.single1;
  return (op) => {
    op.requireVectors();
    const vector = op.code.let(op.readVector("Rn"));
    const evens = op.code.let(pick(vector, vector, 4, [0, 2, 0, 2]));
    const odds = op.code.let(pick(vector, vector, 4, [1, 3, 1, 3]));
    const pairs = op.code.let(define(op, shape, evens, odds));
    shape.write(op, "Rd", define(op, shape, lane(op, shape, pairs, 0), lane(op, shape, pairs, 1)));
  };
};

const byElement = (isScalar: boolean, define: TernaryDefinition): Semantics =>
  shaped(isScalar, (op, shape) => {
    const index = op.choose("lane", ({ fields: { sz, H = 0, L = 0 } }) => (sz === 1 ? H : 2 * H + L));
    const [addend, a] = [shape.read(op, "Rd"), shape.read(op, "Rn")];
    const element = lane(op, shape, op.code.let(op.readVector("Rm")), index);
    shape.write(op, "Rd", define(op, shape, addend, a, element));
  });

const BY_ELEMENT: Readonly<Record<string, TernaryDefinition>> = {
  FMLA: fused,
  FMLS: fusedNegated,
  FMUL: (op, shape, _, a, b) => arithmetic(op, shape, "mul", a, b),
  FMULX: (op, shape, _, a, b) => arithmeticBy(op, shape, "mulx", a, b),
};

/** Of lanes that are integers. */
const unsignedEstimate = (operation: "unsignedRecpe" | "unsignedRsqrte"): Semantics => {
  return (op) => {
    op.requireVectors();
    const shape = op.select("Q") === 1 ? VECTORS.single4 : VECTORS.single2;
    shape.write(op, "Rd", shape.exact(op, codeOf(shape, operation), [shape.read(op, "Rn")]));
  };
};

function entries<D>(
  definitions: Readonly<Record<string, D>>,
  suffix: string,
  make: (definition: D) => Semantics,
): SemanticsTable {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [`${name} ${suffix}`, make(definition)]),
  );
}

const pairwiseExtremes = Object.fromEntries(
  Object.entries(EXTREMES).map(([name, operation]) => [`${name}P`, extremeOf(operation)]),
);
const PAIRWISE: Readonly<Record<string, BinaryDefinition>> = { FADDP: add, ...pairwiseExtremes };

export const SIMD_FLOATING_POINT: SemanticsTable = {
  ...entries({ ...THREE_SAME, ...THREE_SAME_BOTH }, VECTOR, (define) => binary(false, define)),
  ...entries(THREE_SAME_BOTH, SCALAR, (define) => binary(true, define)),
  ...entries({ FMLA: fused, FMLS: fusedNegated }, VECTOR, (define) => ternary(false, define)),
  ...entries({ ...TWO, ...TWO_BOTH }, VECTOR, (define) => unary(false, define)),
  ...entries(TWO_BOTH, SCALAR, (define) => unary(true, define)),
  FRECPX: unary(true, estimate("recpx")),
  ...entries(PAIRWISE, VECTOR, pairwise),
  ...entries(PAIRWISE, SCALAR, pairToScalar),
  ...Object.fromEntries(
    Object.entries(EXTREMES).map(([name, operation]) => [`${name}V`, across(extremeOf(operation))]),
  ),
  ...entries(BY_ELEMENT, "(vector, by element)", (define) => byElement(false, define)),
  ...entries(BY_ELEMENT, "(SIMD scalar, by element)", (define) => byElement(true, define)),
  URECPE: unsignedEstimate("unsignedRecpe"),
  URSQRTE: unsignedEstimate("unsignedRsqrte"),
};
