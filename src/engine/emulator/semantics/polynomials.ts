/** Products of polynomials of 64 coefficients (Arm ARM, C7.2, "PMULL, PMULL2"; `PolynomialMult` in J1.1). */
import { type Expr, i32, i64 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { Operation, SemanticsTable } from "./operation.ts";
import { and, or, replicated, shiftBy, type Vector, withVectors } from "./simd-lanes.ts";

type Long = Expr<"i64">;

const BYTES = { size: 0 } as const;
/** Every fourth bit. */
const HOLES = 0x1111_1111_1111_1111n;
const RESIDUES = [0, 1, 2, 3] as const;
/** Of a half byte: its bits in reverse order. */
const REVERSED_NIBBLES = v128.of(0x0f07_0b03_0d05_0901_0e06_0a02_0c04_0800n);
const BYTES_REVERSED = [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8];

/**
 * The lower 64 coefficients. Of numbers that have one bit in four, an ordinary product's lowest bit in each four is the
 * polynomial's coefficient: at most 15 of them meet below the uppermost four, and so no carry goes farther.
 * @param a usable more than once, and `b`.
 */
function lowerProduct(op: Operation, a: Long, b: Long): Long {
  const { code } = op;
  const spread = (value: Long) =>
    RESIDUES.map((residue) => code.let(i64.and(value, i64.of(HOLES << BigInt(residue))))) as [Long, Long, Long, Long];
  const [x, y] = [spread(a), spread(b)];
  const parts = RESIDUES.map((residue) => {
    const products = RESIDUES.map((own) => i64.mul(x[own], y[((residue - own + 4) % 4) as (typeof RESIDUES)[number]]));
    const sum = products.reduce((all, product) => i64.xor(all, product));
    return i64.and(sum, i64.of(HOLES << BigInt(residue)));
  });
  return parts.reduce((all, part) => i64.or(all, part));
}

/** Each doubleword with its bits in reverse order. */
function bitsReversed(op: Operation, doublewords: Vector): Vector {
  const bytes = op.code.let(doublewords);
  const reversed = op.code.let(v128.shuffle(bytes, bytes, BYTES_REVERSED));
  const find = (nibbles: Vector) => v128.binary("i8x16.swizzle", REVERSED_NIBBLES, nibbles);
  const lower = find(and(reversed, replicated(BYTES, 15n)));
  return or(shiftBy(BYTES, "shl", lower, i32.of(4)), find(shiftBy(BYTES, "shr_u", reversed, i32.of(4))));
}

/** The upper coefficients are the lower ones of the reversed factors, reversed, but for the 64th, which is among the lower. */
const multiplyDoublewords = withVectors((op) => {
  const { code } = op;
  const lane = op.select("Q");
  const long = (vector: Vector, index: number) => code.let(v128.extract("i64x2.extract_lane", vector, index));
  const factors = code.let(
    v128.replace(
      "i64x2.replace_lane",
      v128.splat("i64x2.splat", long(op.readVector("Rn"), lane)),
      1,
      v128.extract("i64x2.extract_lane", op.readVector("Rm"), lane),
    ),
  );
  const reversed = code.let(bitsReversed(op, factors));
  const low = code.let(lowerProduct(op, long(factors, 0), long(factors, 1)));
  const high = code.let(lowerProduct(op, long(reversed, 0), long(reversed, 1)));
  const product = code.let(bitsReversed(op, v128.splat("i64x2.splat", high)));
  const upper = i64.shrU(v128.extract("i64x2.extract_lane", product, 0), i64.of(1n));
  op.writeVector("Rd", v128.replace("i64x2.replace_lane", v128.splat("i64x2.splat", low), 1, upper));
});

export const POLYNOMIALS: SemanticsTable = { "PMULL (doublewords)": multiplyDoublewords };
