/** Advanced SIMD: one vector's integers by themselves, and across lanes (Arm ARM, C7.2). */
import { type Expr, i32, i64 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";
import {
  add,
  and,
  binary,
  bitsOf,
  compare,
  everySecond,
  extend,
  extractLane,
  extreme,
  type Form,
  formOf,
  keep,
  lane,
  lanesOf,
  named,
  narrowPrefixOf,
  type OfOneVector,
  ofOneVector,
  or,
  pick,
  prefixOf,
  REGISTER_BYTES,
  replaceLane,
  replicated,
  type Signedness,
  shiftBy,
  sub,
  type Vector,
  widened,
  withVectors,
  xor,
  ZERO,
} from "./simd-lanes.ts";
import { addSignedToUnsigned, addUnsignedToSigned, magnitude, narrowed, settled } from "./simd-saturating.ts";
import { writeNarrow } from "./simd-three-different.ts";

/** Elements in the opposite order within parts of so many bytes. */
const reverse =
  (partBytes: number): OfOneVector =>
  (_, { size }, a) => {
    const last = (partBytes >> size) - 1;
    const lanes = Array.from(
      { length: REGISTER_BYTES >> size },
      (_, index) => index - (index & last) + last - (index & last),
    );
    return pick(size, a, a, lanes);
  };

/** Each bit of a half byte in the opposite order. */
const REVERSED_NIBBLES = Array.from({ length: 16 }, (_, nibble) =>
  [0, 1, 2, 3].reduce((reversed, bit) => reversed | (((nibble >> bit) & 1) << (3 - bit)), 0),
);
const nibbleTable = (shift: number) =>
  v128.of(
    REVERSED_NIBBLES.reduce((table, nibble, index) => table | (BigInt(nibble << shift) << BigInt(8 * index)), 0n),
  );

function reverseBits(a: Vector): Vector {
  const low = v128.binary("i8x16.swizzle", nibbleTable(4), and(a, v128.replicated(0xfn, 8)));
  const high = v128.binary("i8x16.swizzle", nibbleTable(0), v128.shift("i8x16.shr_u", a, i32.of(4)));
  return or(low, high);
}

/** Zeros above the highest one: all below it made ones, then counted what is left. */
function leadingZeros(op: Operation, form: Form, a: Vector): Vector {
  const { code } = op;
  let smeared = a;
  for (let by = 1; by < bitsOf(form); by *= 2) {
    smeared = code.let(or(smeared, shiftBy(form, "shr_u", smeared, i32.of(by))));
  }
  let count = v128.unary("i8x16.popcnt", v128.unary("v128.not", smeared));
  if (form.size > 0) count = v128.unary("i16x8.extadd_pairwise_i8x16_u", count);
  if (form.size > 1) count = v128.unary("i32x4.extadd_pairwise_i16x8_u", count);
  return count;
}

/** Bits below the sign that are as it is: leading zeros of what differs from the bit above it, less the sign's. */
const leadingSigns: OfOneVector = (op, form, a) => {
  const changes = op.code.let(xor(a, shiftBy(form, "shr_s", a, i32.of(1))));
  return sub(form, leadingZeros(op, form, changes), replicated(form, 1n));
};

/** Sums of neighbours, twice as wide. */
function pairSums(op: Operation, form: Form, sign: Signedness, a: Vector): Vector {
  const prefix = narrowPrefixOf(form);
  if (prefix === "i8x16") return v128.unary(`i16x8.extadd_pairwise_i8x16_${sign}`, a);
  if (prefix === "i16x8") return v128.unary(`i32x4.extadd_pairwise_i16x8_${sign}`, a);
  const [evens, odds] = ([0, 1] as const).map((from) =>
    op.code.let(extend(form, sign, false, everySecond(form.size, a, a, from))),
  ) as [Vector, Vector];
  return add({ size: 3 }, evens, odds);
}

const addPairs =
  (sign: Signedness, accumulates: boolean): OfOneVector =>
  (op, form, a) => {
    const sums = pairSums(op, form, sign, a);
    return accumulates ? add(widened(form), op.readVector("Rd"), sums) : sums;
  };

const saturating =
  (define: typeof addUnsignedToSigned): OfOneVector =>
  (op, form, a) =>
    settled(op, form, define(op, form, op.code.let(op.readVector("Rd")), a));

const saturatingMagnitude =
  (name: "abs" | "neg"): OfOneVector =>
  (op, form, a) =>
    settled(op, form, magnitude(op, form, name, a));

const narrow = withVectors((op) => writeNarrow(op, formOf(op, false), op.readVector("Rn"), 0));

const saturatingNarrow =
  (isScalar: boolean) =>
  ({ from, to }: { readonly from: Signedness; readonly to: Signedness }): Semantics =>
    withVectors((op) => {
      const form = formOf(op, isScalar);
      const wide: Form = { ...widened(form), extent: isScalar ? "element" : "whole" };
      const a = op.code.let(op.readVector("Rn"));
      writeNarrow(op, form, settled(op, wide, narrowed(op, wide, from, to, a)), 0);
    });

const NARROWINGS = {
  SQXTN: { from: "s", to: "s" },
  UQXTN: { from: "u", to: "u" },
  SQXTUN: { from: "s", to: "u" },
} as const;

const shiftLong = withVectors((op) => {
  const form = formOf(op, false);
  const wide = extend(form, "u", form.extent === "whole", op.readVector("Rn"));
  op.writeVector("Rd", shiftBy(widened(form), "shl", wide, i32.of(bitsOf(form))));
});

const VECTORS_ALONE: Readonly<Record<string, OfOneVector>> = {
  REV16: reverse(2),
  REV32: reverse(4),
  REV64: reverse(8),
  CNT: (_, __, a) => v128.unary("i8x16.popcnt", a),
  NOT: (_, __, a) => v128.unary("v128.not", a),
  RBIT: (_, __, a) => reverseBits(a),
  CLZ: leadingZeros,
  CLS: leadingSigns,
  SADDLP: addPairs("s", false),
  UADDLP: addPairs("u", false),
  SADALP: addPairs("s", true),
  UADALP: addPairs("u", true),
};

const BOTH: Readonly<Record<string, OfOneVector>> = {
  ABS: (_, form, a) => v128.unary(`${prefixOf(form)}.abs`, a),
  NEG: (_, form, a) => v128.unary(`${prefixOf(form)}.neg`, a),
  SQABS: saturatingMagnitude("abs"),
  SQNEG: saturatingMagnitude("neg"),
  SUQADD: saturating(addUnsignedToSigned),
  USQADD: saturating(addSignedToUnsigned),
  "CMEQ zero": (_, form, a) => binary(form, "eq", a, ZERO),
  "CMGT zero": (_, form, a) => compare(form, "gt", "s", a, ZERO),
  "CMGE zero": (_, form, a) => compare(form, "ge", "s", a, ZERO),
  "CMLE zero": (_, form, a) => compare(form, "ge", "s", ZERO, a),
  "CMLT zero": (_, form, a) => compare(form, "gt", "s", ZERO, a),
};

/** The rest of the register becomes zero. */
const writeLane = (op: Operation, form: Pick<Form, "size">, value: Expr<"i64">): void =>
  op.writeVector("Rd", replaceLane(form, ZERO, 0, value));

/** The sum of all elements, in as many bits as it needs. */
function sumOf(op: Operation, form: Form, sign: Signedness, a: Vector): Expr<"i64"> {
  const { code } = op;
  // Elements that are not meant count as zeros.
  let sums = code.let(keep(form, a));
  let { size } = form;
  while (size < 2) {
    sums = code.let(pairSums(op, { size, extent: "whole" }, sign, sums));
    size = size === 0 ? 1 : 2;
  }
  if (form.size === 2) {
    sums = code.let(pairSums(op, form, sign, sums));
    return i64.add(extractLane({ size: 3 }, sums, 0, sign), extractLane({ size: 3 }, sums, 1, sign));
  }
  for (const apart of form.extent === "whole" ? [2, 1] : [1])
    sums = code.let(add({ size: 2 }, sums, rotated(2, sums, apart)));
  return extractLane({ size: 2 }, sums, 0, sign);
}

/** Elements so many places lower. */
const rotated = (size: number, a: Vector, by: number): Vector => {
  const count = REGISTER_BYTES >> size;
  return pick(
    size,
    a,
    a,
    Array.from({ length: count }, (_, index) => (index + by) % count),
  );
};

const sumAcross = (sign: Signedness, isLong: boolean): Semantics =>
  withVectors((op) => {
    const form = formOf(op, false);
    const sum = sumOf(op, form, sign, op.readVector("Rn"));
    writeLane(op, isLong ? widened(form) : form, sum);
  });

const extremeAcross = (name: "max" | "min", sign: Signedness): Semantics =>
  withVectors((op) => {
    const form = formOf(op, false);
    let value = op.code.let(op.readVector("Rn"));
    for (let apart = lanesOf(form) / 2; apart >= 1; apart /= 2) {
      value = op.code.let(extreme(form, name, sign, value, rotated(form.size, value, apart)));
    }
    op.writeVector("Rd", keep({ size: form.size, extent: "element" }, value));
  });

const addPair = withVectors((op) => {
  const a = op.code.let(op.readVector("Rn"));
  op.writeVector("Rd", keep({ size: 3, extent: "element" }, add({ size: 3 }, a, lane(3, a, 1))));
});

export const SIMD_TWO_REGISTERS: SemanticsTable = {
  ...named({ ...VECTORS_ALONE, ...BOTH }, "(vector)", ofOneVector(false)),
  ...named(BOTH, "(SIMD scalar)", ofOneVector(true)),
  "XTN (vector)": narrow,
  "SHLL (vector)": shiftLong,
  ...named(NARROWINGS, "(vector)", saturatingNarrow(false)),
  ...named(NARROWINGS, "(SIMD scalar)", saturatingNarrow(true)),
  SADDLV: sumAcross("s", true),
  UADDLV: sumAcross("u", true),
  ADDV: sumAcross("u", false),
  SMAXV: extremeAcross("max", "s"),
  UMAXV: extremeAcross("max", "u"),
  SMINV: extremeAcross("min", "s"),
  UMINV: extremeAcross("min", "u"),
  "ADDP (SIMD scalar)": addPair,
};
