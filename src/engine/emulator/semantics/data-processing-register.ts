import { type Expr, type Integer, type IntegerType, i32, i64, select } from "../wasm/expression.ts";
import { addFlags, addWithCarry, bySf, extended, field, narrowed, shifted, small, subFlags } from "./integer.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";

type Compute = <T extends IntegerType>(type: Integer<T>, a: Expr<T>, b: Expr<T>) => Expr<T>;
type ComputeFlags = <T extends IntegerType>(op: Operation, type: Integer<T>, a: Expr<T>, b: Expr<T>) => Expr<T>;

function shiftedOperand<T extends IntegerType>(op: Operation, type: Integer<T>): Expr<T> {
  const value = op.read(type, "Rm");
  if (op.choose("isPlain", ({ fields }) => (field(fields, "imm6") === 0 ? 1 : 0)) === 1) return value;
  return shifted(
    type,
    op.select("shift"),
    value,
    small(op, type, (fields) => field(fields, "imm6")),
  );
}

function extendedOperand<T extends IntegerType>(op: Operation, type: Integer<T>): Expr<T> {
  const amount = small(op, type, (fields) => field(fields, "imm3"));
  return type.shl(narrowed(type, extended(op, "Rm", op.select("option"))), amount);
}

const shiftedRegister = (compute: Compute) =>
  bySf((op, type) => op.write(type, "Rd", compute(type, op.read(type, "Rn"), shiftedOperand(op, type))));

const shiftedFlags = (compute: ComputeFlags) =>
  bySf((op, type) => {
    const a = op.code.let(op.read(type, "Rn"));
    op.write(type, "Rd", compute(op, type, a, op.code.let(shiftedOperand(op, type))));
  });

const extendedRegister = (compute: Compute) =>
  bySf((op, type) => op.writeOrStack(type, "Rd", compute(type, op.readOrStack(type, "Rn"), extendedOperand(op, type))));

const extendedFlags = (compute: ComputeFlags) =>
  bySf((op, type) => {
    const a = op.code.let(op.readOrStack(type, "Rn"));
    op.write(type, "Rd", compute(op, type, a, op.code.let(extendedOperand(op, type))));
  });

const logicalFlags: (compute: Compute) => Semantics = (compute) =>
  shiftedFlags((op, type, a, b) => {
    const result = op.code.let(compute(type, a, b));
    op.setFlagsOf(type, { kind: "logical", result });
    return result;
  });

const carried = (inverts: boolean, setsFlags: boolean) =>
  bySf((op, type) => {
    const a = op.code.let(op.read(type, "Rn"));
    const read = op.read(type, "Rm");
    const b = op.code.let(inverts ? type.not(read) : read);
    if (setsFlags) return op.write(type, "Rd", addWithCarry(op, type, a, b, op.flagC()));
    const carry = op.flagC();
    const wide = (type.bits === 64 ? i64.extendU(carry) : carry) as typeof a;
    op.write(type, "Rd", type.add(type.add(a, b), wide));
  });

/** CCMP and CCMN: compares, or sets the flags that the instruction gives. */
const conditionalCompare = (compute: ComputeFlags, takesRegister: boolean) =>
  bySf((op, type) => {
    const holds = op.condition(op.select("cond"));
    const a = op.code.let(op.read(type, "Rn"));
    const other = takesRegister ? op.read(type, "Rm") : small(op, type, (fields) => field(fields, "imm5"));
    const b = op.code.let(other);
    const nzcv = op.code.let(op.i32((fields) => field(fields, "nzcv")));
    op.code.if(
      holds,
      () => {
        compute(op, type, a, b);
      },
      () => setFlagsFrom(op, i32.shl(nzcv, i32.of(28))),
    );
  });

/** N, Z, C and V from bits 31 to 28. */
export function setFlagsFrom(op: Operation, value: Expr<"i32">): void {
  const bits = op.code.let(value);
  const n = i64.extendS(bits);
  const z = i64.extendU(i32.eqz(i32.and(bits, i32.of(1 << 30))));
  const c = i32.and(i32.shrU(bits, i32.of(29)), i32.of(1));
  const v = i32.and(i32.shrU(bits, i32.of(28)), i32.of(1));
  op.setFlags(n, z, c, v);
}

const conditionalSelect = (otherwise: <T extends IntegerType>(type: Integer<T>, value: Expr<T>) => Expr<T>) =>
  bySf((op, type) => {
    const holds = op.code.let(op.condition(op.select("cond")));
    op.write(type, "Rd", select(holds, op.read(type, "Rn"), otherwise(type, op.read(type, "Rm"))));
  });

const multiplyAdd = (subtracts: boolean) =>
  bySf((op, type) => {
    const product = type.mul(op.read(type, "Rn"), op.read(type, "Rm"));
    const base = op.read(type, "Ra");
    op.write(type, "Rd", subtracts ? type.sub(base, product) : type.add(base, product));
  });

const multiplyLong =
  (signs: boolean, subtracts: boolean): Semantics =>
  (op) => {
    const widen = signs ? i64.extendS : i64.extendU;
    const product = i64.mul(widen(op.read(i32, "Rn")), widen(op.read(i32, "Rm")));
    const base = op.read(i64, "Ra");
    op.write(i64, "Rd", subtracts ? i64.sub(base, product) : i64.add(base, product));
  };

/** Upper half of a product of 64 bits, from four of 32. */
function unsignedHigh(op: Operation, a: Expr<"i64">, b: Expr<"i64">): Expr<"i64"> {
  const { code } = op;
  const low = (value: Expr<"i64">) => i64.and(value, i64.of(0xffff_ffffn));
  const high = (value: Expr<"i64">) => i64.shrU(value, i64.of(32n));
  const [aLow, aHigh] = [code.let(low(a)), code.let(high(a))];
  const [bLow, bHigh] = [code.let(low(b)), code.let(high(b))];
  const middle = code.let(i64.add(i64.mul(aHigh, bLow), high(i64.mul(aLow, bLow))));
  const cross = i64.add(i64.mul(aLow, bHigh), low(middle));
  return i64.add(i64.add(i64.mul(aHigh, bHigh), high(middle)), high(cross));
}

const multiplyHigh =
  (signs: boolean): Semantics =>
  (op) => {
    const a = op.code.let(op.read(i64, "Rn"));
    const b = op.code.let(op.read(i64, "Rm"));
    const high = unsignedHigh(op, a, b);
    if (!signs) return op.write(i64, "Rd", high);
    const sign = (value: Expr<"i64">) => i64.shrS(value, i64.of(63n));
    const corrected = i64.sub(i64.sub(high, i64.and(sign(a), b)), i64.and(sign(b), a));
    op.write(i64, "Rd", corrected);
  };

/** A division by zero gives zero; the lowest number divided by -1 gives itself. */
const divide = (signs: boolean) =>
  bySf((op, type) => {
    const a = op.code.let(op.read(type, "Rn"));
    const b = op.code.let(op.read(type, "Rm"));
    const result = op.code.local(type.type);
    const divides = () => op.code.set(result, signs ? type.divS(a, b) : type.divU(a, b));
    op.code.if(
      type.eqz(b),
      () => op.code.set(result, type.of(0)),
      () => {
        if (!signs) return divides();
        op.code.if(type.eq(b, type.of(-1)), () => op.code.set(result, type.sub(type.of(0), a)), divides);
      },
    );
    op.write(type, "Rd", op.code.get(result));
  });

const variableShift = (kind: number) =>
  bySf((op, type) => {
    const amount = type.and(op.read(type, "Rm"), type.of(type.bits - 1));
    op.write(type, "Rd", shifted(type, kind, op.read(type, "Rn"), amount));
  });

/** Polynomials, bits reversed (IEEE 802.3, and Castagnoli's). */
const POLYNOMIAL = { crc32: 0xedb8_8320, castagnoli: 0x82f6_3b78 } as const;

const checksum =
  (polynomial: number): Semantics =>
  (op) => {
    const { code } = op;
    const bytes = 2 ** op.select("sz");
    const data = code.let(op.read(i64, "Rm"));
    const sum = code.local("i32");
    code.set(sum, op.read(i32, "Rn"));
    for (let offset = 0; offset < bytes; offset += 4) {
      const part = i32.wrap(i64.shrU(data, i64.of(BigInt(8 * offset))));
      const bits = 8 * Math.min(4, bytes - offset);
      const counted = bits === 32 ? part : i32.and(part, i32.of(2 ** bits - 1));
      code.set(sum, i32.xor(code.get(sum), counted));
      const round = code.local("i32");
      code.set(round, i32.of(bits));
      code.loop((again) => {
        const reduced = i32.and(i32.sub(i32.of(0), i32.and(code.get(sum), i32.of(1))), i32.of(polynomial));
        code.set(sum, i32.xor(i32.shrU(code.get(sum), i32.of(1)), reduced));
        code.set(round, i32.sub(code.get(round), i32.of(1)));
        code.branch(again, code.get(round));
      });
    }
    op.write(i32, "Rd", code.get(sum));
  };

/** Exchanges neighbouring groups of so many bits. */
function exchange<T extends IntegerType>(op: Operation, type: Integer<T>, value: Expr<T>, bits: number): Expr<T> {
  let mask = 0n;
  for (let at = 0; at < 64; at += 2 * bits) mask |= ((1n << BigInt(bits)) - 1n) << BigInt(at);
  const once = op.code.let(value);
  const up = type.shl(type.and(once, type.of(mask)), type.of(bits));
  return type.or(up, type.and(type.shrU(once, type.of(bits)), type.of(mask)));
}

/** @param steps sizes of the groups that are exchanged, one after the other. */
function exchanges<T extends IntegerType>(op: Operation, type: Integer<T>, steps: readonly number[]): void {
  let value = op.read(type, "Rn");
  for (const bits of steps) value = exchange(op, type, value, bits);
  op.write(type, "Rd", value);
}

export const DATA_PROCESSING_REGISTER: SemanticsTable = {
  "AND (shifted register)": shiftedRegister((type, a, b) => type.and(a, b)),
  "BIC (shifted register)": shiftedRegister((type, a, b) => type.and(a, type.not(b))),
  "ORR (shifted register)": shiftedRegister((type, a, b) => type.or(a, b)),
  "ORN (shifted register)": shiftedRegister((type, a, b) => type.or(a, type.not(b))),
  "EOR (shifted register)": shiftedRegister((type, a, b) => type.xor(a, b)),
  "EON (shifted register)": shiftedRegister((type, a, b) => type.xor(a, type.not(b))),
  "ANDS (shifted register)": logicalFlags((type, a, b) => type.and(a, b)),
  "BICS (shifted register)": logicalFlags((type, a, b) => type.and(a, type.not(b))),

  "ADD (shifted register)": shiftedRegister((type, a, b) => type.add(a, b)),
  "ADDS (shifted register)": shiftedFlags(addFlags),
  "SUB (shifted register)": shiftedRegister((type, a, b) => type.sub(a, b)),
  "SUBS (shifted register)": shiftedFlags(subFlags),
  "ADD (extended register)": extendedRegister((type, a, b) => type.add(a, b)),
  "ADDS (extended register)": extendedFlags(addFlags),
  "SUB (extended register)": extendedRegister((type, a, b) => type.sub(a, b)),
  "SUBS (extended register)": extendedFlags(subFlags),

  ADC: carried(false, false),
  ADCS: carried(false, true),
  SBC: carried(true, false),
  SBCS: carried(true, true),

  "CCMN (register)": conditionalCompare(addFlags, true),
  "CCMP (register)": conditionalCompare(subFlags, true),
  "CCMN (immediate)": conditionalCompare(addFlags, false),
  "CCMP (immediate)": conditionalCompare(subFlags, false),

  CSEL: conditionalSelect((_, value) => value),
  CSINC: conditionalSelect((type, value) => type.add(value, type.of(1))),
  CSINV: conditionalSelect((type, value) => type.not(value)),
  CSNEG: conditionalSelect((type, value) => type.sub(type.of(0), value)),

  MADD: multiplyAdd(false),
  MSUB: multiplyAdd(true),
  SMADDL: multiplyLong(true, false),
  SMSUBL: multiplyLong(true, true),
  UMADDL: multiplyLong(false, false),
  UMSUBL: multiplyLong(false, true),
  SMULH: multiplyHigh(true),
  UMULH: multiplyHigh(false),

  UDIV: divide(false),
  SDIV: divide(true),
  LSLV: variableShift(0),
  LSRV: variableShift(1),
  ASRV: variableShift(2),
  RORV: variableShift(3),
  CRC32: checksum(POLYNOMIAL.crc32),
  CRC32C: checksum(POLYNOMIAL.castagnoli),

  RBIT: bySf((op, type) => exchanges(op, type, type.bits === 64 ? [1, 2, 4, 8, 16, 32] : [1, 2, 4, 8, 16])),
  REV16: bySf((op, type) => exchanges(op, type, [8])),
  "REV (32-bit)": (op) => exchanges(op, i32, [8, 16]),
  REV32: (op) => exchanges(op, i64, [8, 16]),
  "REV (64-bit)": (op) => exchanges(op, i64, [8, 16, 32]),
  CLZ: bySf((op, type) => op.write(type, "Rd", type.clz(op.read(type, "Rn")))),
  CLS: bySf((op, type) => {
    const value = op.code.let(op.read(type, "Rn"));
    const changes = type.xor(value, type.shrS(value, type.of(1)));
    // The sign itself does not count; of no change at all, the width less one.
    op.write(type, "Rd", type.sub(type.clz(changes), type.of(1)));
  }),
};
