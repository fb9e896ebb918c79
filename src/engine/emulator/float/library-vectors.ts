/** Vectors, one lane after the other by the functions of scalars. */
import { type Body, Code } from "../wasm/code.ts";
import { callOf, type Expr, type FloatType, i32, i64, localGet } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { FloatFunctionName } from "./functions.ts";
import { callFloat, EXACT_FUNCTION } from "./library-parts.ts";

type V = Expr<"v128">;

interface Lanes {
  readonly count: number;
  readonly element: FloatType;
  readonly extract: (value: V, lane: number) => Expr<FloatType>;
  readonly replace: (value: V, lane: number, element: Expr) => V;
  /** As integers of 64 bits. */
  readonly extractInteger: (value: V, lane: number, isUnsigned: boolean) => Expr<"i64">;
  readonly replaceInteger: (value: V, lane: number, element: Expr<"i64">) => V;
}

export const SINGLE_LANES: Lanes = {
  count: 4,
  element: "f32",
  extract: (value, lane) => v128.extract("f32x4.extract_lane", value, lane),
  replace: (value, lane, element) => v128.replace("f32x4.replace_lane", value, lane, element as Expr<"f32">),
  extractInteger: (value, lane, isUnsigned) => {
    const element = v128.extract("i32x4.extract_lane", value, lane);
    return isUnsigned ? i64.extendU(element) : i64.extendS(element);
  },
  replaceInteger: (value, lane, element) => v128.replace("i32x4.replace_lane", value, lane, i32.wrap(element)),
};
export const DOUBLE_LANES: Lanes = {
  count: 2,
  element: "f64",
  extract: (value, lane) => v128.extract("f64x2.extract_lane", value, lane),
  replace: (value, lane, element) => v128.replace("f64x2.replace_lane", value, lane, element as Expr<"f64">),
  extractInteger: (value, lane) => v128.extract("i64x2.extract_lane", value, lane),
  replaceInteger: (value, lane, element) => v128.replace("i64x2.replace_lane", value, lane, element),
};

const parameters = (count: number): readonly V[] =>
  Array.from({ length: count }, (_, index) => localGet("v128", index));

function eachLane({ count }: Lanes, compute: (result: V, lane: number) => V): V {
  let result = v128.of(0n);
  for (let lane = 0; lane < count; lane++) result = compute(result, lane);
  return result;
}

/** Arithmetic by the scalar's function of the same name. */
export function lanesBody(lanes: Lanes, operation: "add" | "sub" | "mul" | "div" | "sqrt" | "fma", operands: number) {
  const code = new Code(new Array<"v128">(operands).fill("v128"));
  const values = parameters(operands);
  const name: FloatFunctionName = `${lanes.element}.${operation}`;
  code.return(
    eachLane(lanes, (result, lane) =>
      lanes.replace(
        result,
        lane,
        callFloat(
          lanes.element,
          name,
          values.map((value) => lanes.extract(value, lane)),
        ),
      ),
    ),
  );
  return code.finish();
}

export function lanesConvertBody(lanes: Lanes, isUnsigned: boolean): Body {
  const code = new Code(["v128"]);
  const name: FloatFunctionName = `${lanes.element}.convert_${isUnsigned ? "u" : "s"}`;
  const lane = (result: V, index: number) => {
    const integer = lanes.extractInteger(localGet("v128", 0), index, isUnsigned);
    return lanes.replace(result, index, callFloat(lanes.element, name, [integer]));
  };
  code.return(eachLane(lanes, lane));
  return code.finish();
}

export function lanesExactBody(lanes: Lanes): Body {
  const code = new Code(["i32", "v128", "v128", "v128"]);
  const lane = (result: V, index: number) => {
    const operands = [1, 2, 3].map((at) => lanes.extractInteger(localGet("v128", at), index, true));
    return lanes.replaceInteger(result, index, callOf("i64", EXACT_FUNCTION, [localGet("i32", 0), ...operands]));
  };
  code.return(eachLane(lanes, lane));
  return code.finish();
}
