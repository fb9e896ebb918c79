/** Vectors of integers as definitions see them: elements of one size, of which some or all of a register's are meant. */
import { type ElementSize, elementSize } from "../instruction/vector-fields.ts";
import { type Expr, i32, i64 } from "../wasm/expression.ts";
import { type BinaryName, type UnaryName, v128 } from "../wasm/vector.ts";
import type { Operation, Semantics } from "./operation.ts";

export type Vector = Expr<"v128">;
export type { ElementSize };

/** WebAssembly's names of vectors by the size of their elements. */
const PREFIXES = ["i8x16", "i16x8", "i32x4", "i64x2"] as const;
export type Prefix = (typeof PREFIXES)[number];
type NarrowPrefix = Exclude<Prefix, "i64x2">;

export const REGISTER_BYTES = 16;

/** What an instruction computes: elements of that size, in all of the register, its lower half, or its lowest element alone. */
export interface Form {
  readonly size: ElementSize;
  readonly extent: "whole" | "half" | "element";
}

export const prefixOf = ({ size }: Pick<Form, "size">): Prefix => PREFIXES[size];
/** Where an instruction has no doublewords. */
export function narrowPrefixOf(form: Pick<Form, "size">): NarrowPrefix {
  const prefix = prefixOf(form);
  if (prefix === "i64x2") throw new Error("the instruction has no vectors of doublewords");
  return prefix;
}

export const bitsOf = ({ size }: Pick<Form, "size">): number => 8 << size;
export const widened = ({ size, extent }: Form): Form => ({ size: (size + 1) as ElementSize, extent });
const bytesOf = ({ size, extent }: Form) => (extent === "whole" ? REGISTER_BYTES : extent === "half" ? 8 : 1 << size);
/** How many elements an instruction has. */
export const lanesOf = (form: Form): number => bytesOf(form) >> form.size;

/** The form of an instruction with a field `Q`, or of a scalar's. */
export function formOf(op: Operation, isScalar: boolean): Form {
  const size = op.choose("element size", ({ fields }) => elementSize(fields)) as ElementSize;
  return { size, extent: isScalar ? "element" : extentOf(op) };
}

export const extentOf = (op: Operation): Form["extent"] => (op.select("Q") === 1 ? "whole" : "half");

export const withVectors =
  (define: Semantics): Semantics =>
  (op) => {
    op.requireVectors();
    define(op);
  };

export const ZERO = v128.of(0n);
export const ONES = v128.of((1n << 128n) - 1n);

const counting = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

/** The lower half of one, and that of another above it. */
export const joinLow = (a: Vector, b: Vector): Vector => v128.shuffle(a, b, [...counting(0, 8), ...counting(16, 8)]);

/** What is not meant becomes zero. */
export function keep(form: Form, value: Vector): Vector {
  const bytes = bytesOf(form);
  if (bytes === REGISTER_BYTES) return value;
  if (bytes === 8) return joinLow(value, ZERO);
  // Of a byte, hosts have no such blend.
  if (bytes === 1) return and(value, v128.of(0xffn));
  return v128.shuffle(value, ZERO, [
    ...counting(0, bytes),
    ...counting(REGISTER_BYTES + bytes, REGISTER_BYTES - bytes),
  ]);
}

/** What becomes of one vector, which can be used more than once. */
export type OfOneVector = (op: Operation, form: Form, a: Vector) => Vector;

/** From `Rn` into `Rd`. */
export const ofOneVector =
  (isScalar: boolean) =>
  (define: OfOneVector): Semantics =>
    withVectors((op) => {
      const form = formOf(op, isScalar);
      op.writeVector("Rd", keep(form, define(op, form, op.code.let(op.readVector("Rn")))));
    });

/** Elements of two vectors: those of the first from 0 on, then those of the second. */
export function pick(size: number, a: Vector, b: Vector, lanes: readonly number[]): Vector {
  return v128.shuffle(
    a,
    b,
    lanes.flatMap((lane) => counting(lane << size, 1 << size)),
  );
}

/** Every second element of two vectors, from the first or the second on. */
export function everySecond(size: number, a: Vector, b: Vector, from: 0 | 1): Vector {
  return pick(
    size,
    a,
    b,
    counting(0, REGISTER_BYTES >> size).map((lane) => 2 * lane + from),
  );
}

/** One element everywhere; the vector can be used more than once. */
export const lane = (size: number, vector: Vector, index: number): Vector =>
  pick(size, vector, vector, new Array<number>(REGISTER_BYTES >> size).fill(index));

export const replicated = (form: Pick<Form, "size">, value: bigint): Vector => v128.replicated(value, bitsOf(form));
export const lowest = (form: Pick<Form, "size">): bigint => 1n << BigInt(bitsOf(form) - 1);

export const and = (a: Vector, b: Vector): Vector => v128.binary("v128.and", a, b);
/** Bits of `a` where those of `b` are clear. */
export const andNot = (a: Vector, b: Vector): Vector => v128.binary("v128.andnot", a, b);
export const or = (a: Vector, b: Vector): Vector => v128.binary("v128.or", a, b);
export const xor = (a: Vector, b: Vector): Vector => v128.binary("v128.xor", a, b);

type Sized = Pick<Form, "size">;
type Binary = "add" | "sub" | "eq" | "ne";
export const binary = (form: Sized, name: Binary, a: Vector, b: Vector): Vector =>
  v128.binary(`${prefixOf(form)}.${name}`, a, b);
export const add = (form: Sized, a: Vector, b: Vector): Vector => binary(form, "add", a, b);
export const sub = (form: Sized, a: Vector, b: Vector): Vector => binary(form, "sub", a, b);
export const shiftBy = (form: Sized, name: "shl" | "shr_s" | "shr_u", a: Vector, amount: Expr<"i32">): Vector =>
  v128.shift(`${prefixOf(form)}.${name}`, a, amount);
/** All ones where an element is negative. */
export const signs = (form: Sized, a: Vector): Vector => shiftBy(form, "shr_s", a, i32.of(bitsOf(form) - 1));

export type Signedness = "s" | "u";

/** The greater or smaller of each two; not of doublewords. */
export const extreme = (form: Sized, name: "max" | "min", sign: Signedness, a: Vector, b: Vector): Vector =>
  v128.binary(`${narrowPrefixOf(form)}.${name}_${sign}`, a, b);

/** All ones where `a` is greater than `b`, or at least as great. */
export function compare(form: Sized, name: "gt" | "ge", sign: Signedness, a: Vector, b: Vector): Vector {
  if (form.size !== 3) return v128.binary(`${narrowPrefixOf(form)}.${name}_${sign}`, a, b);
  if (sign === "s") return v128.binary(`i64x2.${name}_s`, a, b);
  const flip = replicated(form, lowest(form));
  return v128.binary(`i64x2.${name}_s`, xor(a, flip), xor(b, flip));
}

/** Elements of the lower or upper half with twice their bits. @param form of the narrow ones. */
export function extend(form: Sized, sign: Signedness, isHigh: boolean, a: Vector): Vector {
  const name = `${PREFIXES[form.size + 1]}.extend_${isHigh ? "high" : "low"}_${prefixOf(form)}_${sign}`;
  return v128.unary(name as UnaryName, a);
}

/** Products of the lower or upper half, with twice the bits. @param form of the narrow ones. */
export function multiplyLong(form: Sized, sign: Signedness, isHigh: boolean, a: Vector, b: Vector): Vector {
  const name = `${PREFIXES[form.size + 1]}.extmul_${isHigh ? "high" : "low"}_${prefixOf(form)}_${sign}`;
  return v128.binary(name as BinaryName, a, b);
}

/** Products; not of doublewords. Operands can be used more than once. */
export function multiply(form: Form, a: Vector, b: Vector): Vector {
  const prefix = narrowPrefixOf(form);
  if (prefix !== "i8x16") return v128.binary(`${prefix}.mul`, a, b);
  const low = multiplyLong(form, "u", false, a, b);
  return everySecond(0, low, form.extent === "whole" ? multiplyLong(form, "u", true, a, b) : ZERO, 0);
}

/** FPSR.QC (C5.2.8). */
const SATURATED = 1 << 27;

export const setSaturated = (op: Operation): void => op.writeFpsr(i32.or(op.readFpsr(), i32.of(SATURATED)));

/** Sets FPSR.QC where a bit of what is meant is set. */
export function noteSaturation(op: Operation, form: Form, where: Vector): void {
  op.code.if(v128.test("v128.any_true", keep(form, where)), () => setSaturated(op));
}

/** An element with its sign, or filled with zeros. */
export function extractLane({ size }: Sized, vector: Vector, index: number, sign: Signedness): Expr<"i64"> {
  switch (size) {
    case 0:
    case 1: {
      const element = v128.extract(`${size === 0 ? "i8x16" : "i16x8"}.extract_lane_${sign}`, vector, index);
      return sign === "s" ? i64.extendS(element) : i64.extendU(element);
    }
    case 2: {
      const element = v128.extract("i32x4.extract_lane", vector, index);
      return sign === "s" ? i64.extendS(element) : i64.extendU(element);
    }
    case 3:
      return v128.extract("i64x2.extract_lane", vector, index);
  }
}

/** Puts the low bits of a value into an element. */
export function replaceLane({ size }: Sized, vector: Vector, index: number, value: Expr<"i64">): Vector {
  if (size === 3) return v128.replace("i64x2.replace_lane", vector, index, value);
  const prefix = narrowPrefixOf({ size });
  return v128.replace(`${prefix}.replace_lane`, vector, index, i32.wrap(value));
}

/** Definitions of a table under names with a suffix. */
export function named<Definition>(
  definitions: Readonly<Record<string, Definition>>,
  suffix: string,
  make: (definition: Definition, name: string) => Semantics,
): Readonly<Record<string, Semantics>> {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [`${name} ${suffix}`, make(definition, name)]),
  );
}
