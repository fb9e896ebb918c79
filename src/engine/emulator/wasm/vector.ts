/** WebAssembly's instructions of 128-bit vectors, by their names in the text format (Core Specification 2.0, 5.4.8). */
import { type Expr, vectorInstruction } from "./expression.ts";
import { unsigned } from "./leb128.ts";

/** Of vectors alone: so many operands, a vector as result. */
const UNARY = {
  "v128.not": 0x4d,
  "i8x16.abs": 0x60,
  "i8x16.neg": 0x61,
  "i8x16.popcnt": 0x62,
  "i16x8.extadd_pairwise_i8x16_s": 0x7c,
  "i16x8.extadd_pairwise_i8x16_u": 0x7d,
  "i32x4.extadd_pairwise_i16x8_s": 0x7e,
  "i32x4.extadd_pairwise_i16x8_u": 0x7f,
  "i16x8.abs": 0x80,
  "i16x8.neg": 0x81,
  "i16x8.extend_low_i8x16_s": 0x87,
  "i16x8.extend_high_i8x16_s": 0x88,
  "i16x8.extend_low_i8x16_u": 0x89,
  "i16x8.extend_high_i8x16_u": 0x8a,
  "i32x4.abs": 0xa0,
  "i32x4.neg": 0xa1,
  "i32x4.extend_low_i16x8_s": 0xa7,
  "i32x4.extend_high_i16x8_s": 0xa8,
  "i32x4.extend_low_i16x8_u": 0xa9,
  "i32x4.extend_high_i16x8_u": 0xaa,
  "i64x2.abs": 0xc0,
  "i64x2.neg": 0xc1,
  "i64x2.extend_low_i32x4_s": 0xc7,
  "i64x2.extend_high_i32x4_s": 0xc8,
  "i64x2.extend_low_i32x4_u": 0xc9,
  "i64x2.extend_high_i32x4_u": 0xca,
  "f32x4.ceil": 0x67,
  "f32x4.floor": 0x68,
  "f32x4.trunc": 0x69,
  "f32x4.nearest": 0x6a,
  "f64x2.ceil": 0x74,
  "f64x2.floor": 0x75,
  "f64x2.trunc": 0x7a,
  "f64x2.nearest": 0x94,
  "f32x4.abs": 0xe0,
  "f32x4.neg": 0xe1,
  "f32x4.sqrt": 0xe3,
  "f64x2.abs": 0xec,
  "f64x2.neg": 0xed,
  "f64x2.sqrt": 0xef,
  "i32x4.trunc_sat_f32x4_s": 0xf8,
  "i32x4.trunc_sat_f32x4_u": 0xf9,
  "f32x4.convert_i32x4_s": 0xfa,
  "f32x4.convert_i32x4_u": 0xfb,
  "f32x4.demote_f64x2_zero": 0x5e,
  "f64x2.promote_low_f32x4": 0x5f,
} as const;

const BINARY = {
  "i8x16.swizzle": 0x0e,
  "i8x16.eq": 0x23,
  "i8x16.ne": 0x24,
  "i8x16.lt_s": 0x25,
  "i8x16.lt_u": 0x26,
  "i8x16.gt_s": 0x27,
  "i8x16.gt_u": 0x28,
  "i8x16.le_s": 0x29,
  "i8x16.le_u": 0x2a,
  "i8x16.ge_s": 0x2b,
  "i8x16.ge_u": 0x2c,
  "i16x8.eq": 0x2d,
  "i16x8.ne": 0x2e,
  "i16x8.lt_s": 0x2f,
  "i16x8.lt_u": 0x30,
  "i16x8.gt_s": 0x31,
  "i16x8.gt_u": 0x32,
  "i16x8.le_s": 0x33,
  "i16x8.le_u": 0x34,
  "i16x8.ge_s": 0x35,
  "i16x8.ge_u": 0x36,
  "i32x4.eq": 0x37,
  "i32x4.ne": 0x38,
  "i32x4.lt_s": 0x39,
  "i32x4.lt_u": 0x3a,
  "i32x4.gt_s": 0x3b,
  "i32x4.gt_u": 0x3c,
  "i32x4.le_s": 0x3d,
  "i32x4.le_u": 0x3e,
  "i32x4.ge_s": 0x3f,
  "i32x4.ge_u": 0x40,
  "f32x4.eq": 0x41,
  "f32x4.ne": 0x42,
  "f32x4.lt": 0x43,
  "f32x4.gt": 0x44,
  "f32x4.le": 0x45,
  "f32x4.ge": 0x46,
  "f64x2.eq": 0x47,
  "f64x2.ne": 0x48,
  "f64x2.lt": 0x49,
  "f64x2.gt": 0x4a,
  "f64x2.le": 0x4b,
  "f64x2.ge": 0x4c,
  "v128.and": 0x4e,
  "v128.andnot": 0x4f,
  "v128.or": 0x50,
  "v128.xor": 0x51,
  "i8x16.narrow_i16x8_s": 0x65,
  "i8x16.narrow_i16x8_u": 0x66,
  "i8x16.add": 0x6e,
  "i8x16.add_sat_s": 0x6f,
  "i8x16.add_sat_u": 0x70,
  "i8x16.sub": 0x71,
  "i8x16.sub_sat_s": 0x72,
  "i8x16.sub_sat_u": 0x73,
  "i8x16.min_s": 0x76,
  "i8x16.min_u": 0x77,
  "i8x16.max_s": 0x78,
  "i8x16.max_u": 0x79,
  "i8x16.avgr_u": 0x7b,
  "i16x8.q15mulr_sat_s": 0x82,
  "i16x8.narrow_i32x4_s": 0x85,
  "i16x8.narrow_i32x4_u": 0x86,
  "i16x8.add": 0x8e,
  "i16x8.add_sat_s": 0x8f,
  "i16x8.add_sat_u": 0x90,
  "i16x8.sub": 0x91,
  "i16x8.sub_sat_s": 0x92,
  "i16x8.sub_sat_u": 0x93,
  "i16x8.mul": 0x95,
  "i16x8.min_s": 0x96,
  "i16x8.min_u": 0x97,
  "i16x8.max_s": 0x98,
  "i16x8.max_u": 0x99,
  "i16x8.avgr_u": 0x9b,
  "i16x8.extmul_low_i8x16_s": 0x9c,
  "i16x8.extmul_high_i8x16_s": 0x9d,
  "i16x8.extmul_low_i8x16_u": 0x9e,
  "i16x8.extmul_high_i8x16_u": 0x9f,
  "i32x4.add": 0xae,
  "i32x4.sub": 0xb1,
  "i32x4.mul": 0xb5,
  "i32x4.min_s": 0xb6,
  "i32x4.min_u": 0xb7,
  "i32x4.max_s": 0xb8,
  "i32x4.max_u": 0xb9,
  "i32x4.dot_i16x8_s": 0xba,
  "i32x4.extmul_low_i16x8_s": 0xbc,
  "i32x4.extmul_high_i16x8_s": 0xbd,
  "i32x4.extmul_low_i16x8_u": 0xbe,
  "i32x4.extmul_high_i16x8_u": 0xbf,
  "i64x2.add": 0xce,
  "i64x2.sub": 0xd1,
  "i64x2.mul": 0xd5,
  "i64x2.eq": 0xd6,
  "i64x2.ne": 0xd7,
  "i64x2.lt_s": 0xd8,
  "i64x2.gt_s": 0xd9,
  "i64x2.le_s": 0xda,
  "i64x2.ge_s": 0xdb,
  "i64x2.extmul_low_i32x4_s": 0xdc,
  "i64x2.extmul_high_i32x4_s": 0xdd,
  "i64x2.extmul_low_i32x4_u": 0xde,
  "i64x2.extmul_high_i32x4_u": 0xdf,
  "f32x4.add": 0xe4,
  "f32x4.sub": 0xe5,
  "f32x4.mul": 0xe6,
  "f32x4.div": 0xe7,
  "f32x4.min": 0xe8,
  "f32x4.max": 0xe9,
  "f64x2.add": 0xf0,
  "f64x2.sub": 0xf1,
  "f64x2.mul": 0xf2,
  "f64x2.div": 0xf3,
  "f64x2.min": 0xf4,
  "f64x2.max": 0xf5,
} as const;

/** A vector and an amount of 32 bits, which counts modulo the element's width. */
const SHIFT = {
  "i8x16.shl": 0x6b,
  "i8x16.shr_s": 0x6c,
  "i8x16.shr_u": 0x6d,
  "i16x8.shl": 0x8b,
  "i16x8.shr_s": 0x8c,
  "i16x8.shr_u": 0x8d,
  "i32x4.shl": 0xab,
  "i32x4.shr_s": 0xac,
  "i32x4.shr_u": 0xad,
  "i64x2.shl": 0xcb,
  "i64x2.shr_s": 0xcc,
  "i64x2.shr_u": 0xcd,
} as const;

const SPLAT = {
  "i8x16.splat": [0x0f, "i32"],
  "i16x8.splat": [0x10, "i32"],
  "i32x4.splat": [0x11, "i32"],
  "i64x2.splat": [0x12, "i64"],
  "f32x4.splat": [0x13, "f32"],
  "f64x2.splat": [0x14, "f64"],
} as const;

const EXTRACT = {
  "i8x16.extract_lane_s": [0x15, "i32"],
  "i8x16.extract_lane_u": [0x16, "i32"],
  "i16x8.extract_lane_s": [0x18, "i32"],
  "i16x8.extract_lane_u": [0x19, "i32"],
  "i32x4.extract_lane": [0x1b, "i32"],
  "i64x2.extract_lane": [0x1d, "i64"],
  "f32x4.extract_lane": [0x1f, "f32"],
  "f64x2.extract_lane": [0x21, "f64"],
} as const;

const REPLACE = {
  "i8x16.replace_lane": [0x17, "i32"],
  "i16x8.replace_lane": [0x1a, "i32"],
  "i32x4.replace_lane": [0x1c, "i32"],
  "i64x2.replace_lane": [0x1e, "i64"],
  "f32x4.replace_lane": [0x20, "f32"],
  "f64x2.replace_lane": [0x22, "f64"],
} as const;

const TEST = {
  "v128.any_true": 0x53,
  "i8x16.all_true": 0x63,
  "i8x16.bitmask": 0x64,
  "i16x8.all_true": 0x83,
  "i16x8.bitmask": 0x84,
  "i32x4.all_true": 0xa3,
  "i32x4.bitmask": 0xa4,
  "i64x2.all_true": 0xc3,
  "i64x2.bitmask": 0xc4,
} as const;

type V = Expr<"v128">;

const V128_CONST = 0x0c;

function constantOf(value: bigint): V {
  const bytes = Array.from({ length: 16 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
  return vectorInstruction("v128", V128_CONST, bytes, []);
}

/** The same bits in each element. */
function replicated(value: bigint, elementBits: number): V {
  const element = BigInt.asUintN(elementBits, value);
  let whole = 0n;
  for (let at = 0; at < 128; at += elementBits) whole |= element << BigInt(at);
  return constantOf(whole);
}

/** The bytes of `v128.const`; undefined of another value. */
function constantBytes({ args, bytes }: V): readonly number[] | undefined {
  return args.length === 0 && bytes[0] === 0xfd && bytes[1] === V128_CONST ? bytes.slice(2) : undefined;
}

function shuffle(a: V, b: V, lanes: readonly number[]): V {
  const [x, y] = [constantBytes(a), constantBytes(b)];
  if (x === undefined || y === undefined) return vectorInstruction("v128", 0x0d, lanes, [a, b]);
  return vectorInstruction(
    "v128",
    V128_CONST,
    lanes.map((lane) => [...x, ...y][lane] ?? 0),
    [],
  );
}

const SPLAT_BITS = { "i8x16.splat": 8, "i16x8.splat": 16, "i32x4.splat": 32, "i64x2.splat": 64 } as const;

export type UnaryName = keyof typeof UNARY;
export type BinaryName = keyof typeof BINARY;
export type ShiftName = keyof typeof SHIFT;

export const v128 = {
  unary: (name: UnaryName, a: V): V => vectorInstruction("v128", UNARY[name], [], [a]),
  binary: (name: BinaryName, a: V, b: V): V => vectorInstruction("v128", BINARY[name], [], [a, b]),
  shift: (name: ShiftName, a: V, amount: Expr<"i32">): V =>
    amount.constant === 0 ? a : vectorInstruction("v128", SHIFT[name], [], [a, amount]),
  test: (name: keyof typeof TEST, a: V): Expr<"i32"> => vectorInstruction("i32", TEST[name], [], [a]),
  splat: <N extends keyof typeof SPLAT>(name: N, a: Expr<(typeof SPLAT)[N][1]>): V => {
    const bits = SPLAT_BITS[name as keyof typeof SPLAT_BITS];
    return a.constant === undefined || bits === undefined
      ? vectorInstruction("v128", SPLAT[name][0], [], [a])
      : replicated(BigInt(a.constant as number | bigint), bits);
  },
  extract: <N extends keyof typeof EXTRACT>(name: N, a: V, lane: number): Expr<(typeof EXTRACT)[N][1]> =>
    vectorInstruction(EXTRACT[name][1] as (typeof EXTRACT)[N][1], EXTRACT[name][0], [lane], [a]),
  replace: <N extends keyof typeof REPLACE>(name: N, a: V, lane: number, value: Expr<(typeof REPLACE)[N][1]>): V =>
    vectorInstruction("v128", REPLACE[name][0], [lane], [a, value]),
  /** Bits of `a` where the mask's are set, else of `b`. */
  bitselect: (a: V, b: V, mask: V): V => vectorInstruction("v128", 0x52, [], [a, b, mask]),
  /** Sixteen bytes, each of `a` (0 to 15) or `b` (16 to 31). */
  shuffle,
  of: constantOf,
  replicated,
  load: (address: Expr<"i32">, offset = 0): V => {
    const from = address.displaced ?? { base: address, offset: 0 };
    return vectorInstruction("v128", 0x00, [0, ...unsigned(from.offset + offset)], [from.base]);
  },
  /** 32 bits in each element. */
  loadSplat32: (address: Expr<"i32">, offset = 0): V =>
    vectorInstruction("v128", 0x09, [0, ...unsigned(offset)], [address]),
};

/** For a statement of `Code`. */
export const V128_STORE = 0x0b;
