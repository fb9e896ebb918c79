import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FloatEnvironment, FPSR } from "../../../src/engine/emulator/float/environment.ts";
import { compute, exactCode } from "../../../src/engine/emulator/float/exact.ts";
import { DOUBLE, type Format, infinity, SINGLE } from "../../../src/engine/emulator/float/format.ts";
import { FLOAT_FUNCTIONS } from "../../../src/engine/emulator/float/functions.ts";
import {
  fusedDouble,
  fusedDoublePair,
  fusedSingle,
  fusedSingleQuad,
  multiplyAddDouble,
  multiplyAddDoubles,
  multiplyAddSingle,
  multiplyAddSingles,
} from "../../../src/engine/emulator/float/fused.ts";
import { floatFunctions } from "../../../src/engine/emulator/float/library.ts";
import { NO_FLOAT, updateFloatLimits } from "../../../src/engine/emulator/float/limits.ts";
import { STATE } from "../../../src/engine/emulator/layout.ts";
import { Code } from "../../../src/engine/emulator/wasm/code.ts";
import { callOf, type Expr, f32, f64, i32 } from "../../../src/engine/emulator/wasm/expression.ts";
import { moduleBytes } from "../../../src/engine/emulator/wasm/module.ts";
import { roundsOnce } from "../../../src/engine/emulator/wasm/relaxed.ts";
import { v128 } from "../../../src/engine/emulator/wasm/vector.ts";
import { useLaterWebAssembly } from "../../../src/host/webassembly.ts";
import { type Random, SEED, seededRandom } from "../../support/random.ts";
import { nearTie, randomNumbers } from "./numbers.ts";

useLaterWebAssembly();

const ROUNDS = 6000;
/** Nearest, towards zero, flushing, and default NaNs. */
const CONTROLS = [0, 0, 0, 3 << 22, 1 << 24, 1 << 25];
const OPERANDS = { add: 2, sub: 2, mul: 2, div: 2, sqrt: 1, fma: 3 } as const;
type Operation = keyof typeof OPERANDS;
const OPERATIONS = Object.keys(OPERANDS) as Operation[];
/** Where operands lie in memory, and then the result. */
const AT = 1024;
const RESULT = AT + 64;
const SURE = RESULT + 16;

const SHAPES = [
  { shape: "f32", format: SINGLE, name: "single", lanes: 1 },
  { shape: "f64", format: DOUBLE, name: "double", lanes: 1 },
  { shape: "f32x4", format: SINGLE, name: "single", lanes: 4 },
  { shape: "f64x2", format: DOUBLE, name: "double", lanes: 2 },
] as const;
type Shape = (typeof SHAPES)[number]["shape"];

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const view = new DataView(memory.buffer);
const library = floatFunctions(memory, view);

const LOADS = { f32, f64, f32x4: v128, f64x2: v128 };
const ZERO = i32.of(0);

type Call = () => void;

function compiled(code: Code): Call {
  const signature = { parameters: [], results: [] };
  const functions = [{ name: "call", signature, body: code.finish() }];
  const module = new WebAssembly.Module(moduleBytes({ tableType: signature, imports: FLOAT_FUNCTIONS, functions }));
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 0 });
  const { exports } = new WebAssembly.Instance(module, { host: { memory, table, ...library } });
  return exports["call"] as Call;
}

const operand = (shape: Shape, index: number): Expr => LOADS[shape].load(ZERO, AT + 16 * index);

/** Calls a function of the library on what lies in memory. */
function caller(shape: Shape, operation: Operation): Call {
  const code = new Code([]);
  const type = shape === "f32" || shape === "f64" ? shape : "v128";
  const index = FLOAT_FUNCTIONS.findIndex(({ name }) => name === `${shape}.${operation}`);
  const operands = Array.from({ length: OPERANDS[operation] }, (_, at) => operand(shape, at));
  code.store(type, ZERO, callOf(type, index, operands) as Expr<never>, RESULT);
  return compiled(code);
}

const FUSED = { f32: fusedSingle, f64: fusedDouble, f32x4: fusedSingleQuad, f64x2: fusedDoublePair };

/** Multiplies and adds as generated code does; whether that is sure lies behind the result. */
function fusedCaller(shape: Shape): Call {
  const code = new Code([]);
  const operands = [0, 1, 2].map((index) => code.let(operand(shape, index)));
  const { result, isSure } = FUSED[shape](code, operands as never);
  code.store(result.type, ZERO, result as Expr<never>, RESULT);
  code.store("i32", ZERO, isSure, SURE);
  return compiled(code);
}

const MULTIPLY_ADD = {
  f32: multiplyAddSingle,
  f64: multiplyAddDouble,
  f32x4: multiplyAddSingles,
  f64x2: multiplyAddDoubles,
};

function multiplyAddCaller(shape: Shape): Call {
  const code = new Code([]);
  const result: Expr = MULTIPLY_ADD[shape]([0, 1, 2].map((index) => operand(shape, index)) as never);
  code.store(result.type, ZERO, result as Expr<never>, RESULT);
  return compiled(code);
}

function resultLanes(format: Format, count: number): readonly bigint[] {
  return Array.from({ length: count }, (_, lane) =>
    format.bits === 64 ? view.getBigUint64(RESULT + 8 * lane, true) : BigInt(view.getUint32(RESULT + 4 * lane, true)),
  );
}

function writeOperands(sets: readonly (readonly bigint[])[], format: Format): void {
  for (const index of [0, 1, 2]) {
    const column = sets.map((set) => set[index] ?? 0n);
    write(column, format.bits, AT + 16 * index);
  }
}

function write(lanes: readonly bigint[], bits: number, at: number): void {
  for (const [lane, value] of lanes.entries()) {
    if (bits === 64) view.setBigUint64(at + 8 * lane, value, true);
    else view.setUint32(at + 4 * lane, Number(value), true);
  }
}

function setMode(fpcr: number, fpsr: number): void {
  view.setUint32(STATE.fpcr, fpcr, true);
  view.setUint32(STATE.fpsr, fpsr, true);
  updateFloatLimits(view);
}

/** Operands of one lane. */
function operandsOf(format: Format, operation: Operation, random: Random): readonly bigint[] {
  if (operation === "fma" && random.integer(0, 1) === 0) return nearTie(format, random);
  return randomNumbers(format, OPERANDS[operation], random);
}

describe.each(SHAPES)("the library's $shape", ({ shape, format, name, lanes }) => {
  it.each(OPERATIONS)(`%s does what the software does (seed ${SEED})`, (operation) => {
    const random = seededRandom();
    const call = caller(shape, operation);
    for (let round = 0; round < ROUNDS; round++) {
      const fpcr = random.pick(CONTROLS);
      const before = random.pick([0, FPSR.inexact]);
      const sets = Array.from({ length: lanes }, () => operandsOf(format, operation, random));
      writeOperands(sets, format);
      setMode(fpcr, before);
      call();
      const environment = new FloatEnvironment(fpcr);
      const expected = sets.map(([a = 0n, b = 0n, c = 0n]) =>
        compute(environment, exactCode(operation, { format: name }), a, b, c),
      );
      const found = resultLanes(format, lanes);
      const told = `FPCR ${fpcr.toString(16)}, FPSR ${before}: ${sets.map((set) => set.map((bits) => bits.toString(16)))}`;
      expect(found, told).toEqual(expected);
      expect(view.getUint32(STATE.fpsr, true), told).toBe(before | environment.raised);
      const isFree = (fpcr & 0x1c0_0000) === 0 && ((before | environment.raised) & FPSR.inexact) !== 0;
      expect(view.getInt32(STATE.floatLimit64, true) !== NO_FLOAT, told).toBe(isFree);
    }
  });
});

describe.each(SHAPES)("$shape in generated code", ({ shape, format, name, lanes }) => {
  it(`is multiplied and added as in software, where that is sure (seed ${SEED})`, () => {
    const random = seededRandom();
    const call = fusedCaller(shape);
    let sure = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const sets = Array.from({ length: lanes }, () => operandsOf(format, "fma", random));
      writeOperands(sets, format);
      call();
      if (view.getUint32(SURE, true) === 0) continue;
      sure++;
      const environment = new FloatEnvironment(0);
      const code = exactCode("fma", { format: name });
      const expected = sets.map(([a = 0n, b = 0n, c = 0n]) => compute(environment, code, a, b, c));
      const told = `${sets.map((set) => set.map((bits) => bits.toString(16)))}`;
      expect(resultLanes(format, lanes), told).toEqual(expected);
      expect(environment.raised & ~FPSR.inexact, told).toBe(0);
    }
    expect(sure).toBeGreaterThan(ROUNDS / 100);
  });
});

describe.runIf(roundsOnce()).each(SHAPES)("$shape by the host's instruction", ({ shape, format, name, lanes }) => {
  it(`is multiplied and added as in software, NaNs apart (seed ${SEED})`, () => {
    const random = seededRandom();
    const call = multiplyAddCaller(shape);
    const environment = new FloatEnvironment(0);
    const code = exactCode("fma", { format: name });
    for (let round = 0; round < ROUNDS; round++) {
      const sets = Array.from({ length: lanes }, () => operandsOf(format, "fma", random));
      writeOperands(sets, format);
      call();
      const found = resultLanes(format, lanes);
      const told = `${sets.map((set) => set.map((bits) => bits.toString(16)))}`;
      for (const [lane, [a = 0n, b = 0n, c = 0n]] of sets.entries()) {
        const expected = compute(environment, code, a, b, c);
        const isNan = (expected & ~format.signBit) > infinity(format, false);
        if (!isNan) expect(found[lane], told).toBe(expected);
      }
    }
  });
});

it("rounds a product and a sum once where the processor can", () => {
  const isOfArm = process.arch === "arm64";
  expect(roundsOnce()).toBe(isOfArm || /^flags.*\bfma\b/m.test(readFileSync("/proc/cpuinfo", "latin1")));
});

it(`converts integers as the software does (seed ${SEED})`, () => {
  const random = seededRandom();
  const functions = library as Readonly<Record<string, (value: bigint) => number>>;
  for (let round = 0; round < ROUNDS; round++) {
    const shift = BigInt(random.integer(0, 63));
    const value = BigInt.asIntN(
      64,
      (random.bigint(0n, 2n ** 64n - 1n) >> shift) << BigInt(random.pick([0, 0, 11, 40])),
    );
    for (const [shape, name] of [
      ["f32", "single"],
      ["f64", "double"],
    ] as const) {
      for (const isUnsigned of [false, true]) {
        const fpcr = random.pick(CONTROLS);
        setMode(fpcr, 0);
        const found = functions[`${shape}.convert_${isUnsigned ? "u" : "s"}`]?.(value);
        const environment = new FloatEnvironment(fpcr);
        const code = exactCode("fromInteger", { format: name, isUnsigned, isWide: true });
        const bits = compute(environment, code, BigInt.asUintN(64, value), 0n, 0n);
        view.setBigUint64(RESULT, bits, true);
        expect(found, `${value}`).toBe(shape === "f32" ? view.getFloat32(RESULT, true) : view.getFloat64(RESULT, true));
        expect(view.getUint32(STATE.fpsr, true), `${value}`).toBe(environment.raised);
      }
    }
  }
});
