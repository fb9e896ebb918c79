/** The functions by which translated code reaches the table. */
import { HANDLER_SIGNATURE, TABLE_FUNCTIONS, type TableFunctionName } from "../host-functions.ts";
import { RECORD } from "../layout.ts";
import { Code } from "../wasm/code.ts";
import { type Expr, i32, localGet } from "../wasm/expression.ts";
import { moduleBytes } from "../wasm/module.ts";

const RECORD_PARAMETER = 0;
const PLACE_PARAMETER = 1;
const HANDLER_TYPE = 0;

const PLACES: Readonly<Record<TableFunctionName, () => Expr<"i32">>> = {
  enter: () => i32.load(localGet("i32", RECORD_PARAMETER), RECORD.handler),
  enterAt: () => localGet("i32", PLACE_PARAMETER),
};

let module: WebAssembly.Module | undefined;

/** Exports `TABLE_FUNCTIONS`; the same for all machines of the process. */
export function tableModule(): WebAssembly.Module {
  const functions = TABLE_FUNCTIONS.map(({ name, signature }) => {
    const code = new Code(signature.parameters);
    code.returnCallIndirect(HANDLER_TYPE, [localGet("i32", RECORD_PARAMETER)], PLACES[name]());
    return { name, signature, body: code.finish() };
  });
  module ??= new WebAssembly.Module(moduleBytes({ tableType: HANDLER_SIGNATURE, imports: [], functions }));
  return module;
}
