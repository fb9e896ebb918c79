/** Advanced SIMD: immediates, copies, permutations and tables (Arm ARM, C7.2). */
import { expandImmediate } from "../float/immediate.ts";
import type { Fields } from "../instruction/row.ts";
import { bitsAsBytes, immediateByte, laneOf, sourceLaneOf } from "../instruction/vector-fields.ts";
import { i32, i64 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import { field } from "./integer.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";
import {
  andNot,
  extentOf,
  extractLane,
  formOf,
  keep,
  lane,
  lanesOf,
  or,
  pick,
  prefixOf,
  REGISTER_BYTES,
  replaceLane,
  type Vector,
  withVectors,
  ZERO,
} from "./simd-lanes.ts";

/** What a modified immediate is expanded to, in 64 bits (`AdvSIMDExpandImm`). */
const EXPANSIONS: Readonly<Record<string, (fields: Fields) => bigint>> = {
  words: (fields) => repeat(BigInt(immediateByte(fields)) << BigInt(8 * field(fields, "amount")), 32),
  halves: (fields) => repeat(BigInt(immediateByte(fields)) << BigInt(8 * field(fields, "amount")), 16),
  "shifting ones": (fields) => {
    const shift = BigInt(8 * field(fields, "amount") + 8);
    return repeat((BigInt(immediateByte(fields)) << shift) | ((1n << shift) - 1n), 32);
  },
  bytes: (fields) => repeat(BigInt(immediateByte(fields)), 8),
  single: (fields) => repeat(floatBits(fields, 4), 32),
  double: (fields) => floatBits(fields, 8),
};

function repeat(element: bigint, bits: number): bigint {
  let value = 0n;
  for (let at = 0; at < 64; at += bits) value |= element << BigInt(at);
  return value;
}

function floatBits(fields: Fields, bytes: 4 | 8): bigint {
  const view = new DataView(new ArrayBuffer(8));
  const value = expandImmediate(immediateByte(fields));
  if (bytes === 4) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return view.getBigUint64(0, true);
}

type Combine = (before: Vector, immediate: Vector) => Vector;

/** @param inverts the immediate: of MVNI. */
function immediate(expand: (fields: Fields) => bigint, inverts: boolean, combine?: Combine): Semantics {
  return withVectors((op) => {
    const extent = extentOf(op);
    const bits = op.i64((fields) => (inverts ? ~expand(fields) : expand(fields)));
    const value = v128.splat("i64x2.splat", bits);
    op.writeVector(
      "Rd",
      keep({ size: 3, extent }, combine === undefined ? value : combine(op.readVector("Rd"), value)),
    );
  });
}

function immediates(name: string, inverts: boolean, combine?: Combine): SemanticsTable {
  const kinds = combine === undefined ? ["words", "halves", "shifting ones"] : ["words", "halves"];
  return Object.fromEntries(
    kinds.map((kind) => [
      `${name} (vector, immediate, ${kind})`,
      immediate(EXPANSIONS[kind] as (fields: Fields) => bigint, inverts, combine),
    ]),
  );
}

const doubles = (expand: (fields: Fields) => bigint): Semantics =>
  withVectors((op) => op.writeVector("Rd", v128.splat("i64x2.splat", op.i64(expand))));

const laneIn = (op: Operation): number => op.choose("lane", ({ fields }) => laneOf(fields));

const duplicateElement = (isScalar: boolean): Semantics =>
  withVectors((op) => {
    const form = formOf(op, isScalar);
    const index = laneIn(op);
    const source = op.code.let(op.readVector("Rn"));
    op.writeVector("Rd", keep(form, lane(form.size, source, index)));
  });

const duplicateGeneral = withVectors((op) => {
  const form = formOf(op, false);
  const prefix = prefixOf(form);
  const value =
    prefix === "i64x2"
      ? v128.splat("i64x2.splat", op.read(i64, "Rn"))
      : v128.splat(`${prefix}.splat`, op.read(i32, "Rn"));
  op.writeVector("Rd", keep(form, value));
});

const moveToGeneral = (sign: "s" | "u"): Semantics =>
  withVectors((op) => {
    const { size, extent } = formOf(op, false);
    const value = extractLane({ size }, op.readVector("Rn"), laneIn(op), sign);
    if (extent === "whole") op.write(i64, "Rd", value);
    else op.write(i32, "Rd", i32.wrap(value));
  });

const insertGeneral = withVectors((op) => {
  const form = formOf(op, true);
  const index = laneIn(op);
  op.writeVector("Rd", replaceLane(form, op.readVector("Rd"), index, op.read(i64, "Rn")));
});

const insertElement = withVectors((op) => {
  const form = formOf(op, true);
  const { size } = form;
  const index = laneIn(op);
  const from = op.choose("source lane", ({ fields }) => sourceLaneOf(fields));
  const [before, source] = [op.readVector("Rd"), op.readVector("Rn")];
  if (size < 2) {
    op.writeVector("Rd", replaceLane(form, before, index, extractLane(form, source, from, "u")));
    return;
  }
  // Of words and doublewords hosts have such a shuffle.
  const count = REGISTER_BYTES >> size;
  const lanes = Array.from({ length: count }, (_, at) => (at === index ? count + from : at));
  op.writeVector("Rd", pick(size, before, source, lanes));
});

/** Lanes of the result by their place: those of the first vector from 0 on, of the second from `count` on. */
type Permutation = (index: number, count: number, part: 0 | 1) => number;
const PERMUTATIONS: Readonly<Record<string, Permutation>> = {
  UZP: (index, _, part) => 2 * index + part,
  TRN: (index, count, part) => index - (index % 2) + part + (index % 2) * count,
  ZIP: (index, count, part) => (index >> 1) + (part * count) / 2 + (index % 2) * count,
};

/** Of so many elements in a vector, in a register of `whole`. */
const places = (place: Permutation, part: 0 | 1, count: number, whole: number): readonly number[] =>
  Array.from({ length: whole }, (_, index) => {
    const from = place(index % count, count, part);
    return from < count ? from : from - count + whole;
  });

const permute = (place: Permutation, part: 0 | 1): Semantics =>
  withVectors((op) => {
    const form = formOf(op, false);
    const [count, whole] = [lanesOf(form), REGISTER_BYTES >> form.size];
    const needed = places(place, part, count, whole);
    // Above a half there may be anything: a permutation of the whole is one that hosts have.
    const ofWhole = places(place, part, whole, whole);
    const isSame = needed.slice(0, count).every((from, index) => from === ofWhole[index]);
    const lanes = isSame ? ofWhole : needed;
    op.writeVector("Rd", keep(form, pick(form.size, op.readVector("Rn"), op.readVector("Rm"), lanes)));
  });

const extract = withVectors((op) => {
  const extent = extentOf(op);
  const from = op.select("imm4");
  const bytes = extent === "whole" ? REGISTER_BYTES : REGISTER_BYTES / 2;
  const lanes = Array.from({ length: REGISTER_BYTES }, (_, index) => {
    const at = from + (index % bytes);
    return at < bytes ? at : at - bytes + REGISTER_BYTES;
  });
  op.writeVector("Rd", keep({ size: 0, extent }, v128.shuffle(op.readVector("Rn"), op.readVector("Rm"), lanes)));
});

/** @param keepsOthers of TBX: where the index is out of range the destination stays. */
const lookUp = (keepsOthers: boolean): Semantics =>
  withVectors((op) => {
    const extent = extentOf(op);
    const count = op.select("len") + 1;
    const indices = op.code.let(op.readVector("Rm"));
    let found: Vector | undefined;
    for (let step = 0; step < count; step++) {
      // What is out of range becomes zero, and what is below range is far above.
      const within =
        step === 0 ? indices : v128.binary("i8x16.sub", indices, v128.replicated(BigInt(REGISTER_BYTES * step), 8));
      const bytes = v128.binary("i8x16.swizzle", op.readVector("Rn", step), within);
      found = found === undefined ? bytes : or(found, bytes);
    }
    let result = found ?? ZERO;
    if (keepsOthers) {
      const others = v128.binary("i8x16.ge_u", indices, v128.replicated(BigInt(REGISTER_BYTES * count), 8));
      result = v128.bitselect(op.readVector("Rd"), result, others);
    }
    op.writeVector("Rd", keep({ size: 0, extent }, result));
  });

export const SIMD_MOVEMENT: SemanticsTable = {
  ...immediates("MOVI", false),
  ...immediates("MVNI", true),
  ...immediates("ORR", false, or),
  ...immediates("BIC", false, andNot),
  "MOVI (vector, immediate, bytes)": immediate(EXPANSIONS["bytes"] as (fields: Fields) => bigint, false),
  "MOVI (scalar, 64-bit mask)": withVectors((op) => {
    op.writeVector("Rd", keep({ size: 3, extent: "half" }, v128.splat("i64x2.splat", op.i64(bitsAsBytes))));
  }),
  "MOVI (vector, 64-bit mask)": doubles(bitsAsBytes),
  "FMOV (vector, immediate, single)": immediate(EXPANSIONS["single"] as (fields: Fields) => bigint, false),
  "FMOV (vector, immediate, double)": doubles(EXPANSIONS["double"] as (fields: Fields) => bigint),
  "DUP (vector, element)": duplicateElement(false),
  "DUP (SIMD scalar)": duplicateElement(true),
  "DUP (general)": duplicateGeneral,
  SMOV: moveToGeneral("s"),
  UMOV: moveToGeneral("u"),
  "INS (general)": insertGeneral,
  "INS (element)": insertElement,
  ...Object.fromEntries(
    Object.entries(PERMUTATIONS).flatMap(([name, place]) => [
      [`${name}1`, permute(place, 0)],
      [`${name}2`, permute(place, 1)],
    ]),
  ),
  EXT: extract,
  TBL: lookUp(false),
  TBX: lookUp(true),
};
