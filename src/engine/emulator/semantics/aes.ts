/** AES: a round's steps (Arm ARM, C7.2; FIPS 197). The state's bytes are a register's, column by column. */
import { i32 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import { AFFINE_CONSTANT, type LookUp, type Substitution, substitutionTables } from "./aes-tables.ts";
import type { Operation, SemanticsTable } from "./operation.ts";
import { and, replicated, shiftBy, signs, type Vector, withVectors, xor } from "./simd-lanes.ts";

const BYTES = { size: 0 } as const;
/** What x^8 is, modulo the field's polynomial. */
const REDUCTION = 0x1bn;

const find = (table: LookUp, indices: Vector): Vector => v128.binary("i8x16.swizzle", v128.of(table), indices);
const place = (bytes: readonly number[], vector: Vector): Vector => v128.shuffle(vector, vector, bytes);
const bytesBy = (from: (column: number, row: number) => number): readonly number[] =>
  Array.from({ length: 16 }, (_, index) => from(index >> 2, index & 3));

const columnsApart = (columns: number) => bytesBy((column, row) => 4 * ((column + columns * row + 16) % 4) + row);
const SHIFT_ROWS = columnsApart(1);
const INVERSE_SHIFT_ROWS = columnsApart(-1);
/** The bytes of each column, so many rows up. */
const rowsUp = (rows: number) => bytesBy((column, row) => 4 * column + ((row + rows) % 4));
const [ONE_UP, TWO_UP] = [rowsUp(1), rowsUp(2)];

/** By look-ups, as `aes-tables.ts` has it. */
function substitute(op: Operation, { input, output }: Substitution, bytes: Vector): Vector {
  const { code } = op;
  const { inverse, inverseOfScaled } = substitutionTables();
  const upper = (vector: Vector) => shiftBy(BYTES, "shr_u", vector, i32.of(4));
  const lower = (vector: Vector) => and(vector, replicated(BYTES, 15n));
  const x = code.let(bytes);
  const parts = code.let(xor(find(input[0], lower(x)), find(input[1], upper(x))));
  const k = code.let(lower(parts));
  const i = code.let(upper(parts));
  const j = code.let(xor(i, k));
  const scaled = code.let(find(inverseOfScaled, k));
  const sum = (one: Vector, other: Vector) => xor(find(inverse, xor(find(inverse, one), scaled)), other);
  return xor(find(output[0], sum(i, j)), find(output[1], sum(j, i)));
}

/** Every byte times x. @param bytes usable more than once. */
function doubled(bytes: Vector): Vector {
  const reduction = and(signs(BYTES, bytes), replicated(BYTES, REDUCTION));
  return xor(shiftBy(BYTES, "shl", bytes, i32.of(1)), reduction);
}

/** Columns times 2 + 3y³ + y² + y. */
function mixColumns(op: Operation, columns: Vector): Vector {
  const bytes = op.code.let(columns);
  const next = op.code.let(place(ONE_UP, bytes));
  const sums = op.code.let(xor(bytes, next));
  return xor(xor(doubled(sums), next), place(TWO_UP, sums));
}

/** The inverse is as much more than `mixColumns` as 4y² + 5 is. */
function inverseMixColumns(op: Operation, columns: Vector): Vector {
  const { code } = op;
  const bytes = code.let(columns);
  const sums = code.let(xor(bytes, place(TWO_UP, bytes)));
  return mixColumns(op, xor(bytes, doubled(code.let(doubled(sums)))));
}

const withKey = (op: Operation): Vector => xor(op.readVector("Rd"), op.readVector("Rn"));
const withConstant = (bytes: Vector): Vector => xor(bytes, replicated(BYTES, AFFINE_CONSTANT));

export const AES: SemanticsTable = {
  AESE: withVectors((op) => {
    const { encrypt } = substitutionTables();
    const bytes = op.code.let(withKey(op));
    op.writeVector("Rd", withConstant(substitute(op, encrypt, place(SHIFT_ROWS, bytes))));
  }),
  AESD: withVectors((op) => {
    const { decrypt } = substitutionTables();
    const bytes = op.code.let(withConstant(withKey(op)));
    op.writeVector("Rd", substitute(op, decrypt, place(INVERSE_SHIFT_ROWS, bytes)));
  }),
  AESMC: withVectors((op) => op.writeVector("Rd", mixColumns(op, op.readVector("Rn")))),
  AESIMC: withVectors((op) => op.writeVector("Rd", inverseMixColumns(op, op.readVector("Rn")))),
};
