import type { Fields } from "../instruction/row.ts";
import { systemRegisterKey } from "../instruction/system-register.ts";
import { STATE } from "../layout.ts";
import { type Expr, i32, i64 } from "../wasm/expression.ts";
import { field } from "./integer.ts";
import { EXIT, type Operation, type SemanticsTable } from "./operation.ts";

/** Those that do something: WFE, WFI, SEV, SEVL (C6.2.101). */
const HINTS: ReadonlySet<number> = new Set([2, 3, 4, 5]);

function encoding(op: Operation, op0: (fields: Fields) => number): Expr<"i32"> {
  return op.i32((fields) =>
    systemRegisterKey(
      op0(fields),
      field(fields, "op1"),
      field(fields, "CRn"),
      field(fields, "CRm"),
      field(fields, "op2"),
    ),
  );
}

const registerOp0 = (fields: Fields) => field(fields, "op0");

/** Host functions answer 0 where the instruction is done; else why generated code is left. */
function exitUnlessDone(op: Operation, answer: Expr<"i32">): void {
  const reason = op.code.let(answer);
  op.code.if(reason, () => op.exit(EXIT.system));
}

export const SYSTEM: SemanticsTable = {
  HINT: (op) => {
    const hint = op.choose("hint", ({ fields }) => {
      const number = 8 * field(fields, "CRm") + field(fields, "op2");
      return HINTS.has(number) ? number : 0;
    });
    if (hint !== 0) op.exit(EXIT.hint, i64.of(hint));
  },
  CLREX: (op) => op.code.store("i64", i32.of(0), i64.of(-1n), STATE.exclusiveAddress),
  DSB: () => {},
  DMB: () => {},
  ISB: (op) => op.exitAfter(EXIT.synchronize),
  "MSR (immediate)": (op) => {
    const which = op.i32((fields) => 8 * field(fields, "op1") + field(fields, "op2"));
    exitUnlessDone(
      op,
      op.host(
        i32,
        "writeProcessorState",
        which,
        op.i32((fields) => field(fields, "CRm")),
      ),
    );
  },
  SYS: (op) => {
    const which = encoding(op, () => 1);
    exitUnlessDone(op, op.host(i32, "systemInstruction", which, op.read(i64, "Rt")));
  },
  SYSL: (op) => op.exit(EXIT.undefined),
  "MSR (register)": (op) => {
    const which = encoding(op, registerOp0);
    exitUnlessDone(op, op.host(i32, "writeSystemRegister", which, op.read(i64, "Rt")));
  },
  MRS: (op) => {
    const which = encoding(op, registerOp0);
    exitUnlessDone(op, op.host(i32, "readSystemRegister", which));
    op.write(i64, "Rt", op.detail());
  },
};
