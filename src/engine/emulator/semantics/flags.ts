/** The flags in full: of what an instruction computed, and what conditions make of them (Arm ARM, C1.2.4 and shared/functions/integer). */
import { type Expr, type Float, type FloatType, type Integer, type IntegerType, i32, i64 } from "../wasm/expression.ts";
import { widenS } from "./integer.ts";
import type { Computed, Operation } from "./operation.ts";

/** Takes flags, as `Operation.setFlags` does. */
type Setter = Pick<Operation, "code" | "setFlags">;
/** Tells them. */
type Reader = Pick<Operation, "flagN" | "flagZ" | "flagC" | "flagV">;

/** Sets N, Z, C and V of a result. */
export function setComputedFlags<T extends IntegerType>(op: Setter, type: Integer<T>, computed: Computed<T>): void {
  const wide = op.code.let(widenS(computed.result));
  if (computed.kind === "logical") {
    op.setFlags(wide, wide, i32.of(0), i32.of(0));
    return;
  }
  const { kind, a, b, result } = computed;
  const isSum = kind === "sum";
  const c = isSum ? type.ltU(result, a) : type.geU(a, b);
  const changed = isSum ? type.xor(b, result) : type.xor(a, b);
  op.setFlags(wide, wide, c, type.ltS(type.and(type.xor(a, result), changed), type.of(0)));
}

/** Sets N, Z, C and V of a comparison: less, equal, greater, or unordered (shared/functions/float/fpcompare). */
export function setComparedFlags<T extends FloatType>(op: Setter, type: Float<T>, a: Expr<T>, b: Expr<T>): void {
  const isLess = op.code.let(type.lt(a, b));
  const n = op.code.let(i64.sub(i64.of(0n), i64.extendU(isLess)));
  const z = op.code.let(i64.extendU(type.ne(a, b)));
  op.setFlags(n, z, i32.eqz(isLess), i32.eqz(i32.or(type.le(a, b), type.ge(a, b))));
}

/** Of a condition's number: 0 or 1. */
export function conditionOfFlags(op: Reader, condition: number): Expr<"i32"> {
  const holds = baseCondition(op, condition >> 1);
  return isInverted(condition) ? i32.eqz(holds) : holds;
}

/** The condition is the opposite of the one before it; AL has no opposite. */
export function isInverted(condition: number): boolean {
  return (condition & 1) === 1 && condition !== 15;
}

function baseCondition(op: Reader, kind: number): Expr<"i32"> {
  switch (kind) {
    case 0:
      return op.flagZ();
    case 1:
      return op.flagC();
    case 2:
      return op.flagN();
    case 3:
      return op.flagV();
    case 4:
      return i32.and(op.flagC(), i32.eqz(op.flagZ()));
    case 5:
      return i32.eq(op.flagN(), op.flagV());
    case 6:
      return i32.and(i32.eq(op.flagN(), op.flagV()), i32.eqz(op.flagZ()));
    default:
      return i32.of(1);
  }
}
