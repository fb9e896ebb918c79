import { describe, expect, it } from "vitest";
import { FPCR, FPSR } from "../../../src/engine/emulator/float/environment.ts";
import { updateFloatLimits } from "../../../src/engine/emulator/float/limits.ts";
import { STATE } from "../../../src/engine/emulator/layout.ts";
import { DOUBLE, type Shape, SINGLE } from "../../../src/engine/emulator/semantics/float-shape.ts";
import { VECTORS } from "../../../src/engine/emulator/semantics/float-vector.ts";
import type { Operation } from "../../../src/engine/emulator/semantics/operation.ts";
import { Code } from "../../../src/engine/emulator/wasm/code.ts";
import { type Expr, f32, f64, i32, type ValueType } from "../../../src/engine/emulator/wasm/expression.ts";
import { moduleBytes } from "../../../src/engine/emulator/wasm/module.ts";
import { v128 } from "../../../src/engine/emulator/wasm/vector.ts";

const AT = 1024;
const ZERO = i32.of(0);
const LEAST = { single: 2 ** -126, double: 2 ** -1022 } as const;
const GREATEST = { single: (2 - 2 ** -23) * 2 ** 127, double: Number.MAX_VALUE } as const;

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
const view = new DataView(memory.buffer);

/** Whether results that lie in memory are not sure. */
function isUnsureOf<T extends ValueType>(shape: Shape<T>, load: Expr<T>): () => number {
  const code = new Code([]);
  // Of the instruction it wants to know nothing.
  code.return(shape.isUnsure({ code } as Operation, code.let(load)));
  const signature = { parameters: [], results: ["i32"] } as const;
  const functions = [{ name: "isUnsure", signature, body: code.finish() }];
  const module = new WebAssembly.Module(moduleBytes({ tableType: signature, imports: [], functions }));
  return new WebAssembly.Instance(module, { host: { memory, table } }).exports["isUnsure"] as () => number;
}

const vector = v128.load(ZERO, AT);
const SHAPES = [
  { name: "f32", format: "single", lanes: 1, isUnsure: isUnsureOf(SINGLE, f32.load(ZERO, AT)) },
  { name: "f64", format: "double", lanes: 1, isUnsure: isUnsureOf(DOUBLE, f64.load(ZERO, AT)) },
  { name: "f32x4", format: "single", lanes: 4, isUnsure: isUnsureOf(VECTORS.single4, vector) },
  { name: "f64x2", format: "double", lanes: 2, isUnsure: isUnsureOf(VECTORS.double2, vector) },
] as const;

describe.each(SHAPES)("results of $name", ({ format, lanes, isUnsure }) => {
  const [least, greatest] = [LEAST[format], GREATEST[format]];
  const sure = [2 * least, greatest, 1].flatMap((value) => [value, -value]);
  // What became the least normal number may have been less before it was rounded.
  const unsure = [0, least, least / 2, 1.5 * least, Number.POSITIVE_INFINITY].flatMap((value) => [value, -value]);

  /** Every other lane has 1. */
  function ask(value: number, lane: number): boolean {
    for (let each = 0; each < lanes; each++) {
      const written = each === lane ? value : 1;
      if (format === "double") view.setFloat64(AT + 8 * each, written, true);
      else view.setFloat32(AT + 4 * each, written, true);
    }
    return isUnsure() !== 0;
  }

  function setMode(fpcr: number, fpsr: number): void {
    view.setUint32(STATE.fpcr, fpcr, true);
    view.setUint32(STATE.fpsr, fpsr, true);
    updateFloatLimits(view);
  }

  it.each(Array.from({ length: lanes }, (_, lane) => lane))("are sure where they are normal: lane %i", (lane) => {
    setMode(FPCR.defaultNan, FPSR.inexact);
    expect(sure.filter((value) => ask(value, lane))).toEqual([]);
    expect([...unsure, Number.NaN].filter((value) => !ask(value, lane))).toEqual([]);
  });

  it.each([
    ["while FPSR.IXC is clear", 0, FPSR.invalid],
    ["while FPCR rounds towards zero", 3 << FPCR.roundingShift, FPSR.inexact],
    ["while FPCR rounds up", 1 << FPCR.roundingShift, FPSR.inexact],
    ["while FPCR flushes to zero", FPCR.flushes, FPSR.inexact],
  ])("are never sure %s", (_, fpcr, fpsr) => {
    setMode(fpcr, fpsr);
    expect([...sure, ...unsure, Number.NaN].filter((value) => !ask(value, 0))).toEqual([]);
  });
});
