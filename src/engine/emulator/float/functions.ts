/**
 * The floating-point functions that generated code calls where WebAssembly's own instructions may not do what the architecture
 * does. They give results as FPCR asks for, and set what FPSR accumulates. They never trap, and touch nothing else.
 */
import type { ValueType } from "../wasm/expression.ts";
import type { FunctionImport } from "../wasm/module.ts";

/** Shapes that values have: scalars, and vectors of which every lane takes part. */
export type FloatShape = "f32" | "f64" | "f32x4" | "f64x2";
/** With operands as the architecture has them: of `fma`, the addend comes first. */
type Arithmetic = "add" | "sub" | "mul" | "div" | "sqrt" | "fma";

export type FloatFunctionName =
  | `${FloatShape}.${Arithmetic}`
  /** One lane after the other by `exact`. */
  | `${"f32x4" | "f64x2"}.exact`
  /** From a double. */
  | "f32.demote"
  /** From an integer of 64 bits, with or without a sign; a vector's from integers as wide as its lanes. */
  | `${FloatShape}.convert_${"s" | "u"}`
  /** Any operation by its number (`exact.ts`), in software: slow. Operands and result in their low bits. */
  | "exact";

interface FloatFunction extends FunctionImport {
  readonly name: FloatFunctionName;
}

const VALUE_TYPE: Readonly<Record<FloatShape, ValueType>> = { f32: "f32", f64: "f64", f32x4: "v128", f64x2: "v128" };
const OPERANDS: Readonly<Record<Arithmetic, number>> = { add: 2, sub: 2, mul: 2, div: 2, sqrt: 1, fma: 3 };
const SHAPES = ["f32", "f64", "f32x4", "f64x2"] as const;
const ARITHMETIC = ["add", "sub", "mul", "div", "sqrt", "fma"] as const;

const made = (name: FloatFunctionName, parameters: readonly ValueType[], result: ValueType): FloatFunction => ({
  name,
  signature: { parameters, results: [result] },
});

function functionsOf(shape: FloatShape): readonly FloatFunction[] {
  const type = VALUE_TYPE[shape];
  const integer = type === "v128" ? "v128" : "i64";
  return [
    ...ARITHMETIC.map((name) => made(`${shape}.${name}`, new Array<ValueType>(OPERANDS[name]).fill(type), type)),
    made(`${shape}.convert_s`, [integer], type),
    made(`${shape}.convert_u`, [integer], type),
  ];
}

/** In the order in which modules import them. */
export const FLOAT_FUNCTIONS: readonly FloatFunction[] = [
  made("exact", ["i32", "i64", "i64", "i64"], "i64"),
  ...SHAPES.flatMap(functionsOf),
  made("f32.demote", ["f64"], "f32"),
  made("f32x4.exact", ["i32", "v128", "v128", "v128"], "v128"),
  made("f64x2.exact", ["i32", "v128", "v128", "v128"], "v128"),
];
