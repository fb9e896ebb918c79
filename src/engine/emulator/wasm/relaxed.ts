/**
 * Instructions that hosts may do without, or compute in more than one way (Relaxed SIMD proposal, part of Core Specification
 * 3.0): a product and a sum that are rounded once, where the processor has that. What a host does is found by trying; it does
 * the same each time.
 */
import { Code } from "./code.ts";
import { type Expr, f64, localGet, vectorInstruction } from "./expression.ts";
import { moduleBytes } from "./module.ts";
import { v128 } from "./vector.ts";

const MULTIPLY_ADD = { "f32x4.relaxed_madd": 0x105, "f64x2.relaxed_madd": 0x107 } as const;

/** The product of the first two, and the third added. */
export function relaxedMultiplyAdd(
  name: keyof typeof MULTIPLY_ADD,
  a: Expr<"v128">,
  b: Expr<"v128">,
  addend: Expr<"v128">,
): Expr<"v128"> {
  return vectorInstruction("v128", MULTIPLY_ADD[name], [], [a, b, addend]);
}

/** One step above 1, by bits of the fraction. */
const aboveOne = (bits: number) => 1 + 2 ** -bits;
/** A product a little less than half a step above 1, added to the first number above 1: rounded twice, this is the second. */
const TRIALS = [
  { name: "f32x4.relaxed_madd", bits: 23 },
  { name: "f64x2.relaxed_madd", bits: 52 },
] as const;

/** Whether the instructions are there, and round once. */
export function roundsOnce(): boolean {
  known ??= TRIALS.every(({ name, bits }) => {
    const multiplyAdd = compiled(name);
    const a = 2 ** (-bits - 1) * (1 - 2 ** -bits);
    return multiplyAdd?.(a, aboveOne(bits), aboveOne(bits)) === aboveOne(bits);
  });
  return known;
}

let known: boolean | undefined;

type MultiplyAdd = (a: number, b: number, addend: number) => number;

/** Of numbers of the first lane; undefined where the host does not have the instruction. */
function compiled(name: keyof typeof MULTIPLY_ADD): MultiplyAdd | undefined {
  const code = new Code(["f64", "f64", "f64"]);
  const isDouble = name.startsWith("f64x2");
  const [a, b, addend] = [0, 1, 2].map((index) => {
    const doubles = v128.splat("f64x2.splat", localGet("f64", index));
    return isDouble ? doubles : v128.unary("f32x4.demote_f64x2_zero", doubles);
  }) as [Expr<"v128">, Expr<"v128">, Expr<"v128">];
  const sum = relaxedMultiplyAdd(name, a, b, addend);
  const first = isDouble
    ? v128.extract("f64x2.extract_lane", sum, 0)
    : f64.promote(v128.extract("f32x4.extract_lane", sum, 0));
  code.return(first);
  const signature = { parameters: ["f64", "f64", "f64"], results: ["f64"] } as const;
  const bytes = moduleBytes({
    tableType: signature,
    imports: [],
    functions: [{ name: "multiplyAdd", signature, body: code.finish() }],
  });
  if (!WebAssembly.validate(bytes)) return undefined;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory, table } });
  return exports["multiplyAdd"] as MultiplyAdd;
}
