import { bitmaskImmediate } from "../instruction/bitmask.ts";
import { type Fields, signed } from "../instruction/row.ts";
import { type Expr, type Integer, type IntegerType, i64 } from "../wasm/expression.ts";
import { addFlags, bySf, field, immediate, small, subFlags } from "./integer.ts";
import type { Operation, SemanticsTable } from "./operation.ts";

const addend = (fields: Fields): bigint => BigInt(field(fields, "imm12")) << (12n * BigInt(field(fields, "sh")));
const mask = (fields: Fields): bigint =>
  bitmaskImmediate(field(fields, "N"), field(fields, "immr"), field(fields, "imms"));
const moved = (fields: Fields): bigint => BigInt(field(fields, "imm16")) << (16n * BigInt(field(fields, "hw")));

type Compute = <T extends IntegerType>(type: Integer<T>, a: Expr<T>, b: Expr<T>) => Expr<T>;

const arithmetic = (compute: Compute) =>
  bySf((op, type) =>
    op.writeOrStack(type, "Rd", compute(type, op.readOrStack(type, "Rn"), immediate(op, type, addend))),
  );

type ComputeFlags = <T extends IntegerType>(op: Operation, type: Integer<T>, a: Expr<T>, b: Expr<T>) => Expr<T>;

const arithmeticFlags = (compute: ComputeFlags) =>
  bySf((op, type) => {
    const a = op.code.let(op.readOrStack(type, "Rn"));
    const b = op.code.let(immediate(op, type, addend));
    op.write(type, "Rd", compute(op, type, a, b));
  });

const logical = (compute: Compute) =>
  bySf((op, type) => op.writeOrStack(type, "Rd", compute(type, op.read(type, "Rn"), immediate(op, type, mask))));

/** Width of what a bitfield instruction moves, from its highest bit to the top of the register. */
function bitfield<T extends IntegerType>(op: Operation, type: Integer<T>, signs: boolean): Expr<T> {
  const value = op.read(type, "Rn");
  const bits = type.bits;
  const extracts =
    op.choose("extracts", ({ fields }) => (field(fields, "imms") >= field(fields, "immr") ? 1 : 0)) === 1;
  // Up, so that the field's top is the register's; then down to its place.
  const up = small(op, type, (fields) => bits - 1 - field(fields, "imms"));
  const down = small(op, type, (fields) => {
    const [immr, imms] = [field(fields, "immr"), field(fields, "imms")];
    return extracts ? bits - 1 - imms + immr : immr - imms - 1;
  });
  const high = type.shl(value, up);
  return signs ? type.shrS(high, down) : type.shrU(high, down);
}

/** Bits that BFM writes. */
function insertedMask(fields: Fields, bits: number): bigint {
  const [immr, imms] = [field(fields, "immr"), field(fields, "imms")];
  if (imms >= immr) return (1n << BigInt(imms - immr + 1)) - 1n;
  return ((1n << BigInt(imms + 1)) - 1n) << BigInt(bits - immr);
}

export const DATA_PROCESSING_IMMEDIATE: SemanticsTable = {
  ADR: (op) => {
    const offset = op.i64((fields) => BigInt(signed(field(fields, "immhi"), 19) * 4 + field(fields, "immlo")));
    op.write(i64, "Rd", i64.add(op.pc(), offset));
  },
  ADRP: (op) => {
    const offset = op.i64((fields) => BigInt(signed(field(fields, "immhi"), 19) * 4 + field(fields, "immlo")) << 12n);
    op.write(i64, "Rd", i64.add(i64.and(op.pc(), i64.of(-4096n)), offset));
  },

  "ADD (immediate)": arithmetic((type, a, b) => type.add(a, b)),
  "ADDS (immediate)": arithmeticFlags(addFlags),
  "SUB (immediate)": arithmetic((type, a, b) => type.sub(a, b)),
  "SUBS (immediate)": arithmeticFlags(subFlags),

  "AND (immediate)": logical((type, a, b) => type.and(a, b)),
  "ORR (immediate)": logical((type, a, b) => type.or(a, b)),
  "EOR (immediate)": logical((type, a, b) => type.xor(a, b)),
  "ANDS (immediate)": bySf((op, type) => {
    const result = op.code.let(type.and(op.read(type, "Rn"), immediate(op, type, mask)));
    op.setFlagsOf(type, { kind: "logical", result });
    op.write(type, "Rd", result);
  }),

  MOVN: bySf((op, type) =>
    op.write(
      type,
      "Rd",
      immediate(op, type, (fields) => ~moved(fields)),
    ),
  ),
  MOVZ: bySf((op, type) => op.write(type, "Rd", immediate(op, type, moved))),
  MOVK: bySf((op, type) => {
    const shift = 16 * op.select("hw");
    const kept = type.and(op.read(type, "Rd"), type.of(~(0xffffn << BigInt(shift))));
    const put = small(op, type, (fields) => field(fields, "imm16"));
    op.write(type, "Rd", type.or(kept, type.shl(put, type.of(shift))));
  }),

  SBFM: bySf((op, type) => op.write(type, "Rd", bitfield(op, type, true))),
  UBFM: bySf((op, type) => op.write(type, "Rd", bitfield(op, type, false))),
  BFM: bySf((op, type) => {
    const turned = type.rotr(
      op.read(type, "Rn"),
      small(op, type, (fields) => field(fields, "immr")),
    );
    const written = op.code.let(immediate(op, type, (fields) => insertedMask(fields, type.bits)));
    const kept = type.and(op.read(type, "Rd"), type.not(written));
    op.write(type, "Rd", type.or(kept, type.and(turned, written)));
  }),

  EXTR: bySf((op, type) => {
    const isWhole = op.choose("isWhole", ({ fields }) => (field(fields, "imms") === 0 ? 1 : 0)) === 1;
    const low = op.read(type, "Rm");
    if (isWhole) return op.write(type, "Rd", low);
    const down = small(op, type, (fields) => field(fields, "imms"));
    const up = small(op, type, (fields) => type.bits - field(fields, "imms"));
    op.write(type, "Rd", type.or(type.shrU(low, down), type.shl(op.read(type, "Rn"), up)));
  }),
};
