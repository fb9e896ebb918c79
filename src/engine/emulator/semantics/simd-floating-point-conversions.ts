/** Conversions of vectors, and of scalars by Advanced SIMD's instructions (Arm ARM, C7). */
import { ROUNDING } from "../float/environment.ts";
import { exactCode, type FormatName } from "../float/exact.ts";
import { type Expr, f64, i32, i64, truncate } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import { codeOf, flushes, isFree, MODES, type Mode, toIntegral, unless } from "./float-shape.ts";
import { pick, VECTORS, type Vector, type VectorShape } from "./float-vector.ts";
import { field } from "./integer.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";
import { shaped } from "./simd-floating-point.ts";

/** Both lanes of a vector of doubles by themselves. */
function byLanes(convert: (lane: 0 | 1) => Expr<"i64">): Vector {
  const first = v128.replace("i64x2.replace_lane", v128.of(0n), 0, convert(0));
  return v128.replace("i64x2.replace_lane", first, 1, convert(1));
}

function truncated({ isDouble }: VectorShape, value: Vector, isUnsigned: boolean): Vector {
  if (!isDouble) return v128.unary(isUnsigned ? "i32x4.trunc_sat_f32x4_u" : "i32x4.trunc_sat_f32x4_s", value);
  return byLanes((lane) => {
    const element = v128.extract("f64x2.extract_lane", value, lane);
    return isUnsigned ? truncate.i64FromF64U(element) : truncate.i64FromF64S(element);
  });
}

/** Whether integral numbers fit integers of their own width. */
function areInRange(shape: VectorShape, value: Vector, isUnsigned: boolean): Expr<"i32"> {
  const bits = shape.isDouble ? 64 : 32;
  if (!isUnsigned) return shape.allTrue(shape.compare("gt", shape.of(2 ** (bits - 1)), shape.abs(value)));
  const isBelow = shape.compare("gt", shape.of(2 ** bits), value);
  return shape.allTrue(v128.binary("v128.and", isBelow, shape.compare("gt", value, shape.of(-1))));
}

/** Of a fixed-point conversion: the bits behind the point. */
interface Point {
  /** Known when the instruction is. */
  readonly bitsOf: (shift: number) => number;
  readonly field: "shift32" | "shift64";
}

const POINT_32: Point = { bitsOf: (shift) => 32 - shift, field: "shift32" };
const POINT_64: Point = { bitsOf: (shift) => 64 - shift, field: "shift64" };

/** Two to the power of the bits behind the point, or of their opposite. */
function factor(op: Operation, shape: VectorShape, { bitsOf, field: name }: Point, sign: 1 | -1): Vector {
  const bits = op.i64((fields) => BigInt(1023 + sign * bitsOf(field(fields, name))) << 52n);
  return shape.splat(f64.reinterpret(bits));
}

function toInteger(op: Operation, shape: VectorShape, mode: Mode, isUnsigned: boolean, point?: Point): void {
  const options = { rounding: MODES[mode], isUnsigned, isWide: shape.isDouble };
  const a = shape.read(op, "Rn");
  const scaled = point === undefined ? a : op.code.let(shape.mul(a, factor(op, shape, point, 1)));
  const integral = op.code.let(toIntegral(shape, mode, scaled));
  const code =
    point === undefined
      ? codeOf(shape, "toInteger", options)
      : op.i32((fields) => {
          const fractionBits = point.bitsOf(field(fields, point.field));
          return exactCode("toInteger", { ...options, format: shape.format, fractionBits });
        });
  const isSure = i32.and(areInRange(shape, integral, isUnsigned), i32.or(shape.allEqual(integral, scaled), isFree()));
  const result = unless(
    op,
    truncated(shape, integral, isUnsigned),
    () => i32.eqz(isSure),
    () => shape.exact(op, code, [a]),
  );
  shape.write(op, "Rd", result);
}

function converted(shape: VectorShape, value: Vector, isUnsigned: boolean): Vector {
  if (!shape.isDouble) return v128.unary(isUnsigned ? "f32x4.convert_i32x4_u" : "f32x4.convert_i32x4_s", value);
  return byLanes((lane) => {
    const element = v128.extract("i64x2.extract_lane", value, lane);
    return i64.reinterpret(isUnsigned ? f64.convertU64(element) : f64.convertS64(element));
  });
}

function fromInteger(op: Operation, shape: VectorShape, isUnsigned: boolean, point?: Point): void {
  const a = shape.read(op, "Rn");
  const number = unless(
    op,
    converted(shape, a, isUnsigned),
    () => i32.eqz(isFree()),
    () => op.call("v128", `${shape.name}.convert_${isUnsigned ? "u" : "s"}`, a),
  );
  // The factor changes exponents alone, which stay in range.
  shape.write(op, "Rd", point === undefined ? number : shape.mul(number, factor(op, shape, point, -1)));
}

/** The four forms of a fixed-point conversion. */
function fixedPoint(name: string, define: (op: Operation, shape: VectorShape, point: Point) => void): SemanticsTable {
  const made = (shape: (op: Operation) => VectorShape, point: Point): Semantics => {
    return (op) => {
      op.requireVectors();
      define(op, shape(op), point);
    };
  };
  const bySize = (op: Operation) => (op.select("Q") === 1 ? VECTORS.single4 : VECTORS.single2);
  return {
    [`${name} (vector, fixed-point, single)`]: made(bySize, POINT_32),
    [`${name} (vector, fixed-point, double)`]: made(() => VECTORS.double2, POINT_64),
    [`${name} (SIMD scalar, fixed-point, single)`]: made(() => VECTORS.single1, POINT_32),
    [`${name} (SIMD scalar, fixed-point, double)`]: made(() => VECTORS.double1, POINT_64),
  };
}

function both(name: string, define: (op: Operation, shape: VectorShape) => void): SemanticsTable {
  return { [`${name} (vector)`]: shaped(false, define), [`${name} (SIMD scalar)`]: shaped(true, define) };
}

/** A lane's bits. */
function laneBits(format: FormatName, vector: Vector, lane: number): Expr<"i64"> {
  switch (format) {
    case "half":
      return i64.extendU(v128.extract("i16x8.extract_lane_u", vector, lane));
    case "single":
      return i64.extendU(v128.extract("i32x4.extract_lane", vector, lane));
    case "double":
      return v128.extract("i64x2.extract_lane", vector, lane);
  }
}

function replaceBits(format: FormatName, vector: Vector, lane: number, bits: Expr<"i64">): Vector {
  switch (format) {
    case "half":
      return v128.replace("i16x8.replace_lane", vector, lane, i32.wrap(bits));
    case "single":
      return v128.replace("i32x4.replace_lane", vector, lane, i32.wrap(bits));
    case "double":
      return v128.replace("i64x2.replace_lane", vector, lane, bits);
  }
}

interface Conversion {
  readonly from: FormatName;
  readonly to: FormatName;
  readonly lanes: 1 | 2 | 4;
  readonly roundsToOdd?: boolean;
}

/** The lowest lanes by the software; the others become zero. */
function convertLanes(op: Operation, value: Vector, { from, to, lanes, roundsToOdd }: Conversion): Vector {
  const code = exactCode("convert", { format: from, to, ...(roundsToOdd === true ? { rounding: ROUNDING.odd } : {}) });
  let result = v128.of(0n);
  for (let lane = 0; lane < lanes; lane++) {
    const bits = op.call("i64", "exact", i32.of(code), laneBits(from, value, lane), i64.of(0n), i64.of(0n));
    result = replaceBits(to, result, lane, bits);
  }
  return result;
}

/** Of a vector, its upper half in the place of the lower. */
const upper = (value: Vector) => pick(value, value, 8, [1, 1]);

const widen: Semantics = (op) => {
  op.requireVectors();
  const toDouble = op.select("sz") === 1;
  const whole = op.code.let(op.readVector("Rn"));
  const value = op.select("Q") === 1 ? op.code.let(upper(whole)) : whole;
  if (!toDouble) {
    op.writeVector("Rd", convertLanes(op, value, { from: "half", to: "single", lanes: 4 }));
    return;
  }
  const shape = VECTORS.double2;
  const result = unless(
    op,
    v128.unary("f64x2.promote_low_f32x4", value),
    (wide) => i32.or(flushes(op), shape.hasNan(wide)),
    () => convertLanes(op, value, { from: "single", to: "double", lanes: 2 }),
  );
  op.writeVector("Rd", result);
};

/** Writes a result of 64 bits: into the upper half beside the lower one, or into the lower one with zeros above. */
function writeHalf(op: Operation, value: Vector): void {
  if (op.select("Q") === 0) {
    op.writeVector("Rd", value);
    return;
  }
  op.writeVector("Rd", pick(op.readVector("Rd"), value, 8, [0, 2]));
}

const narrow: Semantics = (op) => {
  op.requireVectors();
  const fromDouble = op.select("sz") === 1;
  const value = op.code.let(op.readVector("Rn"));
  if (!fromDouble) {
    writeHalf(op, convertLanes(op, value, { from: "single", to: "half", lanes: 4 }));
    return;
  }
  const demoted = op.code.let(v128.unary("f32x4.demote_f64x2_zero", value));
  const twice = op.code.let(pick(demoted, demoted, 8, [0, 0]));
  const result = unless(
    op,
    demoted,
    () => VECTORS.single2.isUnsure(op, twice),
    () => {
      const single = (lane: 0 | 1) => op.call("f32", "f32.demote", v128.extract("f64x2.extract_lane", value, lane));
      const first = v128.replace("f32x4.replace_lane", v128.of(0n), 0, single(0));
      return v128.replace("f32x4.replace_lane", first, 1, single(1));
    },
  );
  writeHalf(op, result);
};

const toOdd = { from: "double", to: "single", roundsToOdd: true } as const;

const MODE_LETTERS = ["N", "A", "P", "M", "Z"] as const;

export const SIMD_FLOATING_POINT_CONVERSIONS: SemanticsTable = {
  ...Object.assign(
    {},
    ...MODE_LETTERS.flatMap((mode) => [
      both(`FCVT${mode}S`, (op, shape) => toInteger(op, shape, mode, false)),
      both(`FCVT${mode}U`, (op, shape) => toInteger(op, shape, mode, true)),
    ]),
  ),
  ...both("SCVTF", (op, shape) => fromInteger(op, shape, false)),
  ...both("UCVTF", (op, shape) => fromInteger(op, shape, true)),
  ...fixedPoint("SCVTF", (op, shape, point) => fromInteger(op, shape, false, point)),
  ...fixedPoint("UCVTF", (op, shape, point) => fromInteger(op, shape, true, point)),
  ...fixedPoint("FCVTZS", (op, shape, point) => toInteger(op, shape, "Z", false, point)),
  ...fixedPoint("FCVTZU", (op, shape, point) => toInteger(op, shape, "Z", true, point)),
  FCVTL: widen,
  FCVTN: narrow,
  "FCVTXN (vector)": (op) => {
    op.requireVectors();
    writeHalf(op, convertLanes(op, op.code.let(op.readVector("Rn")), { ...toOdd, lanes: 2 }));
  },
  "FCVTXN (SIMD scalar)": (op) => {
    op.requireVectors();
    op.writeVector("Rd", convertLanes(op, op.code.let(op.readVector("Rn")), { ...toOdd, lanes: 1 }));
  },
};
