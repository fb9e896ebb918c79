import { type Fields, signed } from "../instruction/row.ts";
import { type Expr, i32, i64 } from "../wasm/expression.ts";
import { bySf, field } from "./integer.ts";
import { EXIT, type Operation, type SemanticsTable } from "./operation.ts";

const offset = (name: string, bits: number) => (fields: Fields) => 4 * signed(field(fields, name), bits);
const far = offset("imm26", 26);
const near = offset("imm19", 19);
const tested = offset("imm14", 14);

const undefinedInstruction = (op: Operation) => op.exit(EXIT.undefined);

function isBitSet(op: Operation): Expr<"i32"> {
  const place = op.i64((fields) => BigInt(32 * field(fields, "b5") + field(fields, "b40")));
  return i32.wrap(i64.and(i64.shrU(op.read(i64, "Rt"), place), i64.of(1n)));
}

export const BRANCHES: SemanticsTable = {
  B: (op) => op.branch(far),
  BL: (op) => op.branch(far, true),
  "B.cond": (op) => op.branchIf(op.condition(op.select("cond")), near),
  CBZ: bySf((op, type) => op.branchIf(type.eqz(op.read(type, "Rt")), near)),
  CBNZ: bySf((op, type) => op.branchIf(type.ne(op.read(type, "Rt"), type.of(0)), near)),
  TBZ: (op) => op.branchIf(i32.eqz(isBitSet(op)), tested),
  TBNZ: (op) => op.branchIf(isBitSet(op), tested),

  BR: (op) => op.branchTo(op.read(i64, "Rn")),
  BLR: (op) => {
    const target = op.code.let(op.read(i64, "Rn"));
    op.writeLink(i64.add(op.pc(), i64.of(4n)));
    op.branchTo(target);
  },
  RET: (op) => op.branchTo(op.read(i64, "Rn"), true),
  ERET: (op) => op.exit(EXIT.eret),

  SVC: (op) =>
    op.exit(
      EXIT.svc,
      op.i64((fields) => BigInt(field(fields, "imm16"))),
    ),
  BRK: (op) =>
    op.exit(
      EXIT.brk,
      op.i64((fields) => BigInt(field(fields, "imm16"))),
    ),
  // Without EL2, EL3 and external debug (C6.2, each instruction's operation).
  HVC: undefinedInstruction,
  SMC: undefinedInstruction,
  HLT: undefinedInstruction,
  DRPS: undefinedInstruction,
  DCPS1: undefinedInstruction,
  DCPS2: undefinedInstruction,
  DCPS3: undefinedInstruction,
};
