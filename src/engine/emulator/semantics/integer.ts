/** What the definitions of integer instructions share (Arm ARM, J1.1 and shared/functions). */
import type { Fields } from "../instruction/row.ts";
import { type Expr, type Integer, type IntegerType, i32, i64 } from "../wasm/expression.ts";
import type { Operation, Semantics } from "./operation.ts";

/** Runs a definition for both widths of an instruction with a field `sf`. */
export function bySf(define: <T extends IntegerType>(op: Operation, type: Integer<T>) => void): Semantics {
  return (op) => (op.select("sf") === 1 ? define(op, i64) : define(op, i32));
}

/** An operand that the fields decide. */
export function immediate<T extends IntegerType>(
  op: Operation,
  type: Integer<T>,
  compute: (fields: Fields) => bigint,
): Expr<T> {
  const value = type.bits === 64 ? op.i64(compute) : op.i32((fields) => Number(BigInt.asIntN(32, compute(fields))));
  return value as Expr<T>;
}

/** An operand below 2^31, which takes less room in a record. */
export function small<T extends IntegerType>(
  op: Operation,
  type: Integer<T>,
  compute: (fields: Fields) => number,
): Expr<T> {
  const value = op.i32(compute);
  return (type.bits === 64 ? i64.extendU(value) : value) as Expr<T>;
}

/** A field of that name; patterns and definitions are held against one another by a test. */
export function field(fields: Fields, name: string): number {
  const value = fields[name];
  if (value === undefined) throw new Error(`there is no field ${name}`);
  return value;
}

/** As 64 bits, with the sign. */
export function widenS<T extends IntegerType>(value: Expr<T>): Expr<"i64"> {
  return isWide(value) ? value : i64.extendS(value as Expr<"i32">);
}

/** As 64 bits, filled with zeros. */
export function widenU<T extends IntegerType>(value: Expr<T>): Expr<"i64"> {
  return isWide(value) ? value : i64.extendU(value as Expr<"i32">);
}

function isWide(value: Expr<IntegerType>): value is Expr<"i64"> {
  return value.type === "i64";
}

/** Sum of two values and a carry of 0 or 1, with its flags; `a` and `b` are usable more than once. */
export function addWithCarry<T extends IntegerType>(
  op: Operation,
  type: Integer<T>,
  a: Expr<T>,
  b: Expr<T>,
  carry: Expr<"i32">,
): Expr<T> {
  const widened = (type.bits === 64 ? i64.extendU(carry) : carry) as Expr<T>;
  const partial = op.code.let(type.add(a, b));
  const result = op.code.let(type.add(partial, widened));
  const c = i32.or(type.ltU(partial, a), type.ltU(result, partial));
  const v = type.ltS(type.and(type.xor(a, result), type.xor(b, result)), type.of(0));
  const wide = op.code.let(widenS(result));
  op.setFlags(wide, wide, c, v);
  return result;
}

export function addFlags<T extends IntegerType>(op: Operation, type: Integer<T>, a: Expr<T>, b: Expr<T>): Expr<T> {
  const result = op.code.let(type.add(a, b));
  op.setFlagsOf(type, { kind: "sum", a, b, result });
  return result;
}

export function subFlags<T extends IntegerType>(op: Operation, type: Integer<T>, a: Expr<T>, b: Expr<T>): Expr<T> {
  const result = op.code.let(type.sub(a, b));
  op.setFlagsOf(type, { kind: "difference", a, b, result });
  return result;
}

/** A shift by an amount of 0 to the width less one. */
export function shifted<T extends IntegerType>(
  type: Integer<T>,
  kind: number,
  value: Expr<T>,
  amount: Expr<T>,
): Expr<T> {
  switch (kind) {
    case 0:
      return type.shl(value, amount);
    case 1:
      return type.shrU(value, amount);
    case 2:
      return type.shrS(value, amount);
    default:
      return type.rotr(value, amount);
  }
}

/** UXTB to SXTX of a register (C6.2, `ExtendReg`), without the shift. */
export function extended(op: Operation, name: string, option: number): Expr<"i64"> {
  if ((option & 3) === 3) return op.read(i64, name);
  const narrow = op.read(i32, name);
  switch (option) {
    case 0:
      return i64.extendU(i32.and(narrow, i32.of(0xff)));
    case 1:
      return i64.extendU(i32.and(narrow, i32.of(0xffff)));
    case 2:
      return i64.extendU(narrow);
    case 4:
      return i64.extendS(i32.extend8(narrow));
    case 5:
      return i64.extendS(i32.extend16(narrow));
    default:
      return i64.extendS(narrow);
  }
}

/** 64 bits as the type has them. */
export function narrowed<T extends IntegerType>(type: Integer<T>, value: Expr<"i64">): Expr<T> {
  return (type.bits === 64 ? value : i32.wrap(value)) as Expr<T>;
}
