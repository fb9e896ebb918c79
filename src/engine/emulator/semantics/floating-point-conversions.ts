/** Conversions of scalars: between precisions, and from and to general registers (Arm ARM, C7). */
import { exactCode, type FormatName } from "../float/exact.ts";
import { type Expr, type FloatType, f32, f64, i32, i64, truncate } from "../wasm/expression.ts";
import {
  codeOf,
  flushes,
  isFree,
  MODES,
  type Mode,
  type Shape,
  SINGLE,
  SINGLE_BITS,
  toIntegral,
  unless,
} from "./float-shape.ts";
import { byWidth } from "./floating-point.ts";
import { field } from "./integer.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";

/** Truncates with saturation, by the width of the integer and its signedness. */
function truncated<T extends FloatType>(value: Expr<T>, isWide: boolean, isUnsigned: boolean): Expr<"i32" | "i64"> {
  if (value.type === "f32") {
    const single = value as Expr<"f32">;
    if (isWide) return isUnsigned ? truncate.i64FromF32U(single) : truncate.i64FromF32S(single);
    return isUnsigned ? truncate.i32FromF32U(single) : truncate.i32FromF32S(single);
  }
  const double = value as Expr<"f64">;
  if (isWide) return isUnsigned ? truncate.i64FromF64U(double) : truncate.i64FromF64S(double);
  return isUnsigned ? truncate.i32FromF64U(double) : truncate.i32FromF64S(double);
}

const floatOf = <T extends FloatType>(shape: Shape<T>) => (shape.type === "f64" ? f64 : f32) as typeof f64;

/** Whether an integral number fits. */
function fits<T extends FloatType>(shape: Shape<T>, value: Expr<T>, isWide: boolean, isUnsigned: boolean): Expr<"i32"> {
  const type = floatOf(shape);
  const bits = isWide ? 64 : 32;
  const number = value as Expr<FloatType> as Expr<"f64">;
  if (isUnsigned) return i32.and(type.gt(number, type.of(-1)), type.lt(number, type.of(2 ** bits)));
  return type.lt(type.abs(number), type.of(2 ** (bits - 1)));
}

/** A field of a shift: the number of bits behind the point, as a factor or divisor. */
function powerOfTwo<T extends FloatType>(op: Operation, shape: Shape<T>, exponent: (scale: number) => number): Expr<T> {
  const bits = op.i64((fields) => BigInt(1023 + exponent(field(fields, "scale"))) << 52n);
  const value = f64.reinterpret(bits);
  return (shape.type === "f64" ? value : f32.demote(value)) as Expr<FloatType> as Expr<T>;
}

const fractionBitsOf = (scale: number) => 64 - scale;

/** FCVT of a number to an integer, or to one with bits behind the point. */
function toInteger(mode: Mode, isUnsigned: boolean, isFixed: boolean): Semantics {
  return byWidth((op, shape) => {
    const isWide = op.select("sf") === 1;
    const options = { rounding: MODES[mode], isUnsigned, isWide };
    const a = shape.read(op, "Rn");
    const scaled = isFixed ? op.code.let(shape.mul(a, powerOfTwo(op, shape, fractionBitsOf))) : a;
    const integral = op.code.let(toIntegral(shape, mode, scaled));
    const code = isFixed
      ? op.i32((fields) =>
          exactCode("toInteger", {
            ...options,
            format: shape.format,
            fractionBits: fractionBitsOf(field(fields, "scale")),
          }),
        )
      : codeOf(shape, "toInteger", options);
    const isExact = shape.allEqual(integral, scaled);
    const isSure = i32.and(fits(shape, integral, isWide, isUnsigned), i32.or(isExact, isFree()));
    const result = unless(
      op,
      truncated(integral, isWide, isUnsigned),
      () => i32.eqz(isSure),
      () => {
        const bits = toBits(shape, a);
        const found = op.call("i64", "exact", code, bits, i64.of(0n), i64.of(0n));
        return isWide ? found : i32.wrap(found);
      },
    );
    if (isWide) op.write(i64, "Rd", result as Expr<"i64">);
    else op.write(i32, "Rd", result as Expr<"i32">);
  });
}

function toBits<T extends FloatType>({ type }: Shape<T>, value: Expr<T>): Expr<"i64"> {
  return type === "f64" ? i64.reinterpret(value as Expr<"f64">) : SINGLE_BITS.to(value as Expr<"f32">);
}

/** A number of an integer in a general register, which can be used more than once. */
function converted(op: Operation, type: FloatType, isWide: boolean, isUnsigned: boolean): Expr<FloatType> {
  const float = type === "f64" ? f64 : f32;
  if (!isWide && type === "f64") {
    const value = op.read(i32, "Rn");
    return isUnsigned ? f64.convertU32(value) : f64.convertS32(value);
  }
  const narrow = () => op.read(i32, "Rn");
  const wide = isWide ? op.read(i64, "Rn") : isUnsigned ? i64.extendU(narrow()) : i64.extendS(narrow());
  const value = op.code.let(wide);
  const plain = isUnsigned ? float.convertU64(value) : float.convertS64(value);
  return unless<FloatType>(
    op,
    plain,
    () => i32.eqz(isFree()),
    () => op.call(type, `${type}.convert_${isUnsigned ? "u" : "s"}`, value),
  );
}

function fromInteger(isUnsigned: boolean, isFixed: boolean): Semantics {
  return byWidth((op, shape) => {
    const isWide = op.select("sf") === 1;
    const number = converted(op, shape.type, isWide, isUnsigned) as Expr<FloatType> as Expr<typeof shape.type>;
    // The factor changes the exponent alone, which stays in range.
    const factor = () => powerOfTwo(op, shape, (scale) => -fractionBitsOf(scale));
    shape.write(op, "Rd", isFixed ? shape.mul(number, factor()) : number);
  });
}

/** By way of the software, bits to bits. */
function convertExactly(from: FormatName, to: FormatName): Semantics {
  return (op) => {
    op.requireVectors();
    const bits = from === "double" ? i64.reinterpret(op.readFloat(f64, "Rn")) : SINGLE_BITS.to(op.readFloat(f32, "Rn"));
    const code = i32.of(exactCode("convert", { format: from, to }));
    // The result has zeros above it.
    op.writeFloat(f64, "Rd", f64.reinterpret(op.call("i64", "exact", code, bits, i64.of(0n), i64.of(0n))));
  };
}

const widen: Semantics = (op) => {
  op.requireVectors();
  const value = op.code.let(op.readFloat(f32, "Rn"));
  const code = i32.of(exactCode("convert", { format: "single", to: "double" }));
  const result = unless(
    op,
    f64.promote(value),
    (wide) => i32.or(flushes(op), f64.ne(wide, wide)),
    () => f64.reinterpret(op.call("i64", "exact", code, SINGLE_BITS.to(value), i64.of(0n), i64.of(0n))),
  );
  op.writeFloat(f64, "Rd", result);
};

/** A double as a single. */
export function narrowed(op: Operation, value: Expr<"f64">): Expr<"f32"> {
  return unless(
    op,
    f32.demote(value),
    (result) => SINGLE.isUnsure(op, result),
    () => op.call("f32", "f32.demote", value),
  );
}

export const FLOATING_POINT_CONVERSIONS: SemanticsTable = {
  "FCVT (s to d)": widen,
  "FCVT (d to s)": (op) => {
    op.requireVectors();
    const value = op.code.let(op.readFloat(f64, "Rn"));
    op.writeFloat(f32, "Rd", narrowed(op, value));
  },
  "FCVT (s to h)": convertExactly("single", "half"),
  "FCVT (d to h)": convertExactly("double", "half"),
  "FCVT (h to s)": convertExactly("half", "single"),
  "FCVT (h to d)": convertExactly("half", "double"),
  ...Object.fromEntries(
    (["N", "A", "P", "M", "Z"] as const).flatMap((mode) => [
      [`FCVT${mode}S (scalar)`, toInteger(mode, false, false)],
      [`FCVT${mode}U (scalar)`, toInteger(mode, true, false)],
    ]),
  ),
  "SCVTF (scalar)": fromInteger(false, false),
  "UCVTF (scalar)": fromInteger(true, false),
  "SCVTF (scalar, fixed-point)": fromInteger(false, true),
  "UCVTF (scalar, fixed-point)": fromInteger(true, true),
  "FCVTZS (scalar, fixed-point)": toInteger("Z", false, true),
  "FCVTZU (scalar, fixed-point)": toInteger("Z", true, true),
};
