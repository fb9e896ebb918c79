/**
 * WebAssembly's expressions as trees. A tree is emitted once, where a statement uses it (`code.ts`); what is used twice is
 * put into a local by `Code.let` first. Constants are folded as trees are made.
 */
import { signed, signedNumber, unsigned } from "./leb128.ts";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";
export type IntegerType = "i32" | "i64";
export type FloatType = "f32" | "f64";

export interface Expr<T extends ValueType = ValueType> {
  readonly type: T;
  /** Operands, in the order in which they are computed. */
  readonly args: readonly Expr[];
  /** The instruction's bytes, which follow its operands'. */
  readonly bytes: readonly number[];
  /** Of a constant: its value, an i32's signed. */
  readonly constant?: T extends "i64" ? bigint : T extends "i32" ? number : never;
  /** A local that is set again: its value now is not its value later. */
  readonly isVariable?: true;
  /** Of an address: a base, and what is above it without leaving 32 bits; loads and stores take it as their offset. */
  readonly displaced?: { readonly base: Expr<"i32">; readonly offset: number };
}

const NO_ARGS: readonly Expr[] = [];

function make<T extends ValueType>(type: T, bytes: readonly number[], args = NO_ARGS): Expr<T> {
  return { type, bytes, args };
}

function i32Const(value: number): Expr<"i32"> {
  const constant = value | 0;
  return { type: "i32", bytes: [0x41, ...signedNumber(constant)], args: NO_ARGS, constant };
}

function i64Const(value: bigint): Expr<"i64"> {
  const constant = BigInt.asIntN(64, value);
  return { type: "i64", bytes: [0x42, ...signed(constant)], args: NO_ARGS, constant };
}

/** `local.get`. */
export function localGet<T extends ValueType>(type: T, index: number): Expr<T> {
  return make(type, [0x20, ...unsigned(index)]);
}

/** `local.get` of a local that is set more than once. */
export function variable<T extends ValueType>(type: T, index: number): Expr<T> {
  return { type, bytes: [0x20, ...unsigned(index)], args: NO_ARGS, isVariable: true };
}

/** An address `offset` bytes above another, where the sum is known to stay below 2^32. */
export function displaced(base: Expr<"i32">, offset: number): Expr<"i32"> {
  const below = base.displaced ?? { base, offset: 0 };
  const total = below.offset + offset;
  const args = [below.base, i32Const(total)];
  return { type: "i32", bytes: [0x6a], args, displaced: { base: below.base, offset: total } };
}

export function select<T extends ValueType>(condition: Expr<"i32">, whenTrue: Expr<T>, whenFalse: Expr<T>): Expr<T> {
  if (condition.constant !== undefined) return condition.constant !== 0 ? whenTrue : whenFalse;
  const code = whenTrue.type === "v128" ? [0x1c, 1, 0x7b] : [0x1b];
  return make(whenTrue.type, code, [whenTrue, whenFalse, condition]);
}

/** A call of a function of the same module, imported ones first. */
export function callOf<T extends ValueType>(type: T, index: number, args: readonly Expr[]): Expr<T> {
  return make(type, [0x10, ...unsigned(index)], args);
}

/** `offset` bytes above the address; nothing is assumed of its alignment. */
function loadOf<T extends ValueType>(type: T, opcode: readonly number[]) {
  return (address: Expr<"i32">, offset = 0): Expr<T> => {
    const from = address.displaced ?? { base: address, offset: 0 };
    return make(type, [...opcode, 0, ...unsigned(from.offset + offset)], [from.base]);
  };
}

type Binary<T extends ValueType> = (a: Expr<T>, b: Expr<T>) => Expr<T>;
type Compare<T extends ValueType> = (a: Expr<T>, b: Expr<T>) => Expr<"i32">;
type Unary<T extends ValueType> = (a: Expr<T>) => Expr<T>;
type Loader<T extends ValueType> = (address: Expr<"i32">, offset?: number) => Expr<T>;

/** What both integer types have, so that one definition serves 32-bit and 64-bit instructions. */
export interface Integer<T extends IntegerType> {
  readonly type: T;
  readonly bits: 32 | 64;
  readonly of: (value: number | bigint) => Expr<T>;
  readonly add: Binary<T>;
  readonly sub: Binary<T>;
  readonly mul: Binary<T>;
  readonly divS: Binary<T>;
  readonly divU: Binary<T>;
  readonly and: Binary<T>;
  readonly or: Binary<T>;
  readonly xor: Binary<T>;
  readonly shl: Binary<T>;
  readonly shrS: Binary<T>;
  readonly shrU: Binary<T>;
  readonly rotr: Binary<T>;
  readonly clz: Unary<T>;
  readonly ctz: Unary<T>;
  readonly not: Unary<T>;
  readonly eqz: (a: Expr<T>) => Expr<"i32">;
  readonly eq: Compare<T>;
  readonly ne: Compare<T>;
  readonly ltS: Compare<T>;
  readonly ltU: Compare<T>;
  readonly gtS: Compare<T>;
  readonly gtU: Compare<T>;
  readonly leS: Compare<T>;
  readonly leU: Compare<T>;
  readonly geS: Compare<T>;
  readonly geU: Compare<T>;
  readonly load: Loader<T>;
}

/** How two constants become one, in numbers of any size; the result is cut to the type. */
type Fold = (a: bigint, b: bigint, bits: bigint) => bigint;

function integer<T extends IntegerType>(type: T, bits: 32 | 64, base: number, compareBase: number): Integer<T> {
  const of = (value: number | bigint): Expr<T> =>
    (type === "i32" ? i32Const(Number(BigInt.asIntN(32, BigInt(value)))) : i64Const(BigInt(value))) as Expr<T>;
  const known = (expr: Expr<T>): bigint | undefined =>
    expr.constant === undefined ? undefined : BigInt(expr.constant as number | bigint);
  /** @param neutral a right operand that changes nothing. */
  const binary = (opcode: number, fold?: Fold, neutral?: bigint): Binary<T> => {
    return (a, b) => {
      const [x, y] = [known(a), known(b)];
      if (fold !== undefined && x !== undefined && y !== undefined) return of(fold(x, y, BigInt(bits)));
      if (neutral !== undefined && y === neutral) return a;
      return make(type, [opcode], [a, b]);
    };
  };
  const compare =
    (opcode: number): Compare<T> =>
    (a, b) =>
      make("i32", [opcode], [a, b]);
  const xor = binary(base + 12, (a, b) => a ^ b, 0n);
  const add = binary(base + 3, (a, b) => a + b, 0n);
  return {
    type,
    bits,
    of,
    clz: (a) => make(type, [base], [a]),
    ctz: (a) => make(type, [base + 1], [a]),
    add: (a, b) =>
      a.displaced !== undefined && typeof b.constant === "number" && b.constant >= 0
        ? (displaced(a as Expr<"i32">, b.constant) as Expr<T>)
        : add(a, b),
    sub: binary(base + 4, (a, b) => a - b, 0n),
    mul: binary(base + 5, (a, b) => a * b, 1n),
    divS: binary(base + 6),
    divU: binary(base + 7),
    and: binary(base + 10, (a, b) => a & b, -1n),
    or: binary(base + 11, (a, b) => a | b, 0n),
    xor,
    shl: binary(base + 13, (a, b, width) => a << (b & (width - 1n)), 0n),
    shrS: binary(base + 14, (a, b, width) => a >> (b & (width - 1n)), 0n),
    shrU: binary(base + 15, (a, b, width) => BigInt.asUintN(Number(width), a) >> (b & (width - 1n)), 0n),
    rotr: binary(base + 17, undefined, 0n),
    not: (a) => xor(a, of(-1n)),
    eqz: (a) => make("i32", [compareBase], [a]),
    eq: compare(compareBase + 1),
    ne: compare(compareBase + 2),
    ltS: compare(compareBase + 3),
    ltU: compare(compareBase + 4),
    gtS: compare(compareBase + 5),
    gtU: compare(compareBase + 6),
    leS: compare(compareBase + 7),
    leU: compare(compareBase + 8),
    geS: compare(compareBase + 9),
    geU: compare(compareBase + 10),
    load: loadOf(type, [type === "i32" ? 0x28 : 0x29]),
  };
}

export const i32 = {
  ...integer("i32", 32, 0x67, 0x45),
  wrap: (a: Expr<"i64">): Expr<"i32"> =>
    a.constant === undefined ? make("i32", [0xa7], [a]) : i32Const(Number(BigInt.asIntN(32, a.constant))),
  extend8: (a: Expr<"i32">) => make("i32", [0xc0], [a]),
  extend16: (a: Expr<"i32">) => make("i32", [0xc1], [a]),
  load8U: loadOf("i32", [0x2d]),
  load8S: loadOf("i32", [0x2c]),
  load16U: loadOf("i32", [0x2f]),
  load16S: loadOf("i32", [0x2e]),
  reinterpret: (a: Expr<"f32">) => make("i32", [0xbc], [a]),
};

export const i64 = {
  ...integer("i64", 64, 0x79, 0x50),
  extendU: (a: Expr<"i32">): Expr<"i64"> =>
    a.constant === undefined ? make("i64", [0xad], [a]) : i64Const(BigInt(a.constant >>> 0)),
  extendS: (a: Expr<"i32">): Expr<"i64"> =>
    a.constant === undefined ? make("i64", [0xac], [a]) : i64Const(BigInt(a.constant)),
  extend8: (a: Expr<"i64">) => make("i64", [0xc2], [a]),
  extend16: (a: Expr<"i64">) => make("i64", [0xc3], [a]),
  extend32: (a: Expr<"i64">) => make("i64", [0xc4], [a]),
  load8U: loadOf("i64", [0x31]),
  load8S: loadOf("i64", [0x30]),
  load16U: loadOf("i64", [0x33]),
  load16S: loadOf("i64", [0x32]),
  load32U: loadOf("i64", [0x35]),
  load32S: loadOf("i64", [0x34]),
  popcnt: (a: Expr<"i64">) => make("i64", [0x7b], [a]),
  reinterpret: (a: Expr<"f64">) => make("i64", [0xbd], [a]),
};

/** What both floating-point types have. */
export interface Float<T extends FloatType> {
  readonly type: T;
  readonly of: (value: number) => Expr<T>;
  readonly add: Binary<T>;
  readonly sub: Binary<T>;
  readonly mul: Binary<T>;
  readonly div: Binary<T>;
  readonly abs: Unary<T>;
  readonly neg: Unary<T>;
  readonly sqrt: Unary<T>;
  readonly min: Binary<T>;
  readonly max: Binary<T>;
  /** The first's magnitude with the second's sign. */
  readonly copysign: Binary<T>;
  readonly ceil: Unary<T>;
  readonly floor: Unary<T>;
  readonly trunc: Unary<T>;
  readonly nearest: Unary<T>;
  readonly eq: Compare<T>;
  readonly ne: Compare<T>;
  readonly lt: Compare<T>;
  readonly gt: Compare<T>;
  readonly le: Compare<T>;
  readonly ge: Compare<T>;
  readonly load: Loader<T>;
}

function constantBytes(type: FloatType, value: number): readonly number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (type === "f32") view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return [type === "f32" ? 0x43 : 0x44, ...new Uint8Array(view.buffer, 0, type === "f32" ? 4 : 8)];
}

function float<T extends FloatType>(type: T, base: number, compareBase: number, loadCode: number): Float<T> {
  const unary =
    (opcode: number): Unary<T> =>
    (a) =>
      make(type, [opcode], [a]);
  const binary =
    (opcode: number): Binary<T> =>
    (a, b) =>
      make(type, [opcode], [a, b]);
  const compare =
    (opcode: number): Compare<T> =>
    (a, b) =>
      make("i32", [opcode], [a, b]);
  return {
    type,
    of: (value) => make(type, constantBytes(type, value)),
    abs: unary(base),
    copysign: binary(base + 13),
    neg: unary(base + 1),
    ceil: unary(base + 2),
    floor: unary(base + 3),
    trunc: unary(base + 4),
    nearest: unary(base + 5),
    sqrt: unary(base + 6),
    add: binary(base + 7),
    sub: binary(base + 8),
    mul: binary(base + 9),
    div: binary(base + 10),
    min: binary(base + 11),
    max: binary(base + 12),
    eq: compare(compareBase),
    ne: compare(compareBase + 1),
    lt: compare(compareBase + 2),
    gt: compare(compareBase + 3),
    le: compare(compareBase + 4),
    ge: compare(compareBase + 5),
    load: loadOf(type, [loadCode]),
  };
}

export const f32 = {
  ...float("f32", 0x8b, 0x5b, 0x2a),
  reinterpret: (a: Expr<"i32">) => make("f32", [0xbe], [a]),
  demote: (a: Expr<"f64">) => make("f32", [0xb6], [a]),
  convertS32: (a: Expr<"i32">) => make("f32", [0xb2], [a]),
  convertU32: (a: Expr<"i32">) => make("f32", [0xb3], [a]),
  convertS64: (a: Expr<"i64">) => make("f32", [0xb4], [a]),
  convertU64: (a: Expr<"i64">) => make("f32", [0xb5], [a]),
};

export const f64 = {
  ...float("f64", 0x99, 0x61, 0x2b),
  reinterpret: (a: Expr<"i64">) => make("f64", [0xbf], [a]),
  promote: (a: Expr<"f32">) => make("f64", [0xbb], [a]),
  convertS32: (a: Expr<"i32">) => make("f64", [0xb7], [a]),
  convertU32: (a: Expr<"i32">) => make("f64", [0xb8], [a]),
  convertS64: (a: Expr<"i64">) => make("f64", [0xb9], [a]),
  convertU64: (a: Expr<"i64">) => make("f64", [0xba], [a]),
};

/** Truncations that saturate, NaN to 0 (0xfc prefix), as FCVTZS and FCVTZU do. */
export const truncate = {
  i32FromF32S: (a: Expr<"f32">) => make("i32", [0xfc, 0], [a]),
  i32FromF32U: (a: Expr<"f32">) => make("i32", [0xfc, 1], [a]),
  i32FromF64S: (a: Expr<"f64">) => make("i32", [0xfc, 2], [a]),
  i32FromF64U: (a: Expr<"f64">) => make("i32", [0xfc, 3], [a]),
  i64FromF32S: (a: Expr<"f32">) => make("i64", [0xfc, 4], [a]),
  i64FromF32U: (a: Expr<"f32">) => make("i64", [0xfc, 5], [a]),
  i64FromF64S: (a: Expr<"f64">) => make("i64", [0xfc, 6], [a]),
  i64FromF64U: (a: Expr<"f64">) => make("i64", [0xfc, 7], [a]),
};

/** An instruction of vectors: its number behind the 0xfd prefix, and an immediate where it has one (`vector.ts`). */
export function vectorInstruction<T extends ValueType>(
  type: T,
  opcode: number,
  immediate: readonly number[],
  args: readonly Expr[],
): Expr<T> {
  return make(type, [0xfd, ...unsigned(opcode), ...immediate], args);
}
