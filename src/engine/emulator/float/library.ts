/**
 * The library of floating-point functions in WebAssembly. Each tries to prove that WebAssembly's own result is the
 * architecture's, and whether it is exact; what it cannot prove, the software computes.
 */
import type { Body } from "../wasm/code.ts";
import type { FloatType } from "../wasm/expression.ts";
import { type FunctionBody, moduleBytes } from "../wasm/module.ts";
import { exactFunction } from "./exact.ts";
import { FLOAT_FUNCTIONS, type FloatFunctionName, type FloatShape } from "./functions.ts";
import { productBody, productIsExactBody, quotientBody, rootBody, sumBody } from "./library-arithmetic.ts";
import { convertBody, demoteBody } from "./library-convert.ts";
import { doubleFmaBody, singleFmaBody } from "./library-fma.ts";
import { DOUBLE_WIDTH, SINGLE_WIDTH, type Width } from "./library-parts.ts";
import { DOUBLE_LANES, lanesBody, lanesConvertBody, lanesExactBody, SINGLE_LANES } from "./library-vectors.ts";

/** By their names: functions of WebAssembly, and `exact`. */
export type FloatFunctions = Readonly<Record<string, unknown>>;

type Bodies = Record<Exclude<FloatFunctionName, "exact">, Body>;
type BodiesOf<Shape extends FloatShape> = Pick<Bodies, Extract<FloatFunctionName, `${Shape}.${string}`>>;

function scalarBodies<T extends FloatType>(width: Width<T>) {
  return {
    add: sumBody(width, "add"),
    sub: sumBody(width, "sub"),
    mul: productBody(width),
    div: quotientBody(width),
    sqrt: rootBody(width),
    convert_s: convertBody(width, false),
    convert_u: convertBody(width, true),
  };
}

function vectorBodies(lanes: typeof SINGLE_LANES) {
  return {
    add: lanesBody(lanes, "add", 2),
    sub: lanesBody(lanes, "sub", 2),
    mul: lanesBody(lanes, "mul", 2),
    div: lanesBody(lanes, "div", 2),
    sqrt: lanesBody(lanes, "sqrt", 1),
    fma: lanesBody(lanes, "fma", 3),
    convert_s: lanesConvertBody(lanes, false),
    convert_u: lanesConvertBody(lanes, true),
    exact: lanesExactBody(lanes),
  };
}

function named<Shape extends FloatShape>(shape: Shape, bodies: Readonly<Record<string, Body>>) {
  return Object.fromEntries(
    Object.entries(bodies).map(([name, body]) => [`${shape}.${name}`, body]),
  ) as BodiesOf<Shape>;
}

function compile(): WebAssembly.Module {
  const bodies: Bodies = {
    ...named("f32", { ...scalarBodies(SINGLE_WIDTH), fma: singleFmaBody(), demote: demoteBody() }),
    ...named("f64", { ...scalarBodies(DOUBLE_WIDTH), fma: doubleFmaBody() }),
    ...named("f32x4", vectorBodies(SINGLE_LANES)),
    ...named("f64x2", vectorBodies(DOUBLE_LANES)),
  };
  const [exact, ...others] = FLOAT_FUNCTIONS;
  if (exact === undefined) throw new Error("the library has no functions");
  const functions = others.map(({ name, signature }): FunctionBody => {
    const body = bodies[name as keyof Bodies];
    return { name, signature, body };
  });
  const productIsExact: FunctionBody = {
    name: "productIsExact",
    signature: { parameters: ["f64", "f64"], results: ["i32"] },
    body: productIsExactBody(),
  };
  const tableType = { parameters: [], results: [] };
  return new WebAssembly.Module(
    moduleBytes({ tableType, imports: [exact], functions: [...functions, productIsExact] }),
  );
}

/** Made when first needed; the same for all machines. */
let compiled: WebAssembly.Module | undefined;

/**
 * The functions of one machine by their names, for the imports of its modules.
 * @param view of the machine's memory.
 */
export function floatFunctions(memory: WebAssembly.Memory, view: DataView): FloatFunctions {
  compiled ??= compile();
  const exact = exactFunction(view);
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
  const { exports } = new WebAssembly.Instance(compiled, { host: { memory, table, exact } });
  return { ...exports, exact };
}
