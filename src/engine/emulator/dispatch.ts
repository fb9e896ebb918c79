/** What the interpreter and translated code do alike where control goes to a record, or back from one. */
import { RECORD, RETURNS, STATE } from "./layout.ts";
import { EXIT } from "./semantics/operation.ts";
import type { Code } from "./wasm/code.ts";
import { type Expr, i32, i64 } from "./wasm/expression.ts";

/** Times that control comes to a place before it is translated. */
export const HEAT_MAX = 64;
const ZERO = i32.of(0);

/** Counts that control goes to a record; leaves where that makes it worth translation. Translated ones count no more. */
export function countHeat(code: Code, record: Expr<"i32">): void {
  const heat = code.let(i32.load(record, RECORD.heat));
  code.rarely(i32.ltU(heat, i32.of(HEAT_MAX)), () => {
    code.store("i32", record, i32.add(heat, i32.of(1)), RECORD.heat);
    code.if(i32.eq(heat, i32.of(HEAT_MAX - 1)), () => {
      code.store("i32", ZERO, record, STATE.record);
      code.return(i32.of(EXIT.hot));
    });
  });
}

/** @param counter in the state. */
export function countInstructions(code: Code, counter: number, count: number): void {
  if (count > 0) code.store("i64", ZERO, i64.add(i64.load(ZERO, counter), i64.of(count)), counter);
}

/** Leaves where translated code called, and the call came from before the target. */
export function returnIfCalled(code: Code, target: Expr<"i64">): void {
  const top = code.let(i32.load(ZERO, STATE.returns));
  code.if(i64.eq(i64.load(top), target), () => {
    code.store("i32", ZERO, i32.sub(top, i32.of(RETURNS.entryBytes)), STATE.returns);
    code.return(i32.of(EXIT.returned));
  });
}
