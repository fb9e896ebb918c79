/**
 * Shifts of each element by as many bits as another one says in its lowest byte: to the left, or to the right where that is
 * negative (Arm ARM, C7.2: SSHL, USHL and those that round or saturate). WebAssembly has none, so they go lane by lane.
 */
import type { Local } from "../wasm/code.ts";
import { type Expr, i32, i64, select } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { Operation } from "./operation.ts";
import {
  bitsOf,
  extractLane,
  type Form,
  lanesOf,
  replaceLane,
  type Signedness,
  setSaturated,
  type Vector,
  ZERO,
} from "./simd-lanes.ts";

interface Manner {
  readonly sign: Signedness;
  readonly rounds?: boolean;
  readonly saturates?: boolean;
}

type Wide = Expr<"i64">;
type Narrow = Expr<"i32">;

const SHIFT_MAX = 63;
const MAX = (1n << 63n) - 1n;

/** Without a branch. Of up to 32 bits, moved up by 32 and down by the rest: what is too far is out of the range of both. */
function shiftPlainly(op: Operation, form: Form, sign: Signedness, value: Wide, amount: Narrow): Wide {
  const { code } = op;
  if (form.size === 3) {
    const back = code.let(i32.sub(i32.of(0), amount));
    const left = leftBy(value, amount);
    const right = rightBy(sign, value, back);
    return sign === "u" ? i64.or(left, right) : select(i32.ltS(amount, i32.of(0)), right, left);
  }
  const upper = code.let(i64.shl(value, i64.of(32n)));
  const by = code.let(i32.sub(i32.of(32), amount));
  const shifted = rightBy(sign, upper, by);
  return sign === "u" ? shifted : select(i32.geS(by, i32.of(0)), shifted, i64.of(0n));
}

/** By 0 to 128 bits; both operands can be used more than once. */
function rightBy(sign: Signedness, value: Wide, amount: Narrow): Wide {
  const isWithin = i32.leU(amount, i32.of(SHIFT_MAX));
  const by = i64.extendU(amount);
  if (sign === "u") return select(isWithin, i64.shrU(value, by), i64.of(0n));
  return i64.shrS(value, select(isWithin, by, i64.of(SHIFT_MAX)));
}

function leftBy(value: Wide, amount: Narrow): Wide {
  return select(i32.leU(amount, i32.of(SHIFT_MAX)), i64.shl(value, i64.extendU(amount)), i64.of(0n));
}

/** By 1 to 128 bits. */
function shiftRight(op: Operation, { sign, rounds = false }: Manner, value: Wide, amount: Narrow): Wide {
  if (!rounds) return rightBy(sign, value, amount);
  const less = op.code.let(i32.sub(amount, i32.of(1)));
  return i64.add(rightBy(sign, value, amount), i64.and(rightBy(sign, value, less), i64.of(1n)));
}

/** The element is in the upper bits, so that what does not fit leaves them. @param saturated becomes one where it does not. */
function shiftLeftSaturating(
  op: Operation,
  form: Form,
  sign: Signedness,
  value: Wide,
  amount: Narrow,
  saturated: Local<"i32">,
): Wide {
  const { code } = op;
  const above = i64.of(64 - bitsOf(form));
  const top = code.let(i64.shl(value, above));
  const shifted = code.let(leftBy(top, amount));
  const by = i64.extendU(amount);
  const back = sign === "s" ? i64.shrS(shifted, by) : i64.shrU(shifted, by);
  const isOver = code.let(i64.ne(back, top));
  code.set(saturated, i32.or(code.get(saturated), isOver));
  const end = sign === "s" ? i64.xor(i64.shrS(top, i64.of(63n)), i64.of(MAX)) : i64.of(-1n);
  return i64.shrU(select(isOver, end, shifted), above);
}

/** An element shifted; both operands can be used more than once. */
function shiftLane(
  op: Operation,
  form: Form,
  manner: Manner,
  value: Wide,
  amount: Narrow,
  saturated: Local<"i32">,
): Wide {
  const { code } = op;
  const { sign, rounds, saturates } = manner;
  if (rounds !== true && saturates !== true) return shiftPlainly(op, form, sign, value, amount);
  const lane = code.local("i64");
  code.if(
    i32.ltS(amount, i32.of(0)),
    () => code.set(lane, shiftRight(op, manner, value, code.let(i32.sub(i32.of(0), amount)))),
    () => {
      const isPlain = saturates !== true;
      code.set(lane, isPlain ? leftBy(value, amount) : shiftLeftSaturating(op, form, sign, value, amount, saturated));
    },
  );
  return code.get(lane);
}

export const shiftEach =
  (manner: Manner) =>
  (op: Operation, form: Form, a: Vector, amounts: Vector): Vector => {
    const { code } = op;
    const saturated = code.local("i32");
    if (manner.saturates === true) code.set(saturated, i32.of(0));
    let result = ZERO;
    for (let index = 0; index < lanesOf(form); index++) {
      const value = code.let(extractLane(form, a, index, manner.sign));
      const amount = code.let(v128.extract("i8x16.extract_lane_s", amounts, index << form.size));
      result = code.let(replaceLane(form, result, index, shiftLane(op, form, manner, value, amount, saturated)));
    }
    if (manner.saturates === true) code.if(code.get(saturated), () => setSaturated(op));
    return result;
  };
