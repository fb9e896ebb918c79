import { describe, expect, it } from "vitest";
import { FloatEnvironment, FPSR, ROUNDING } from "../../../src/engine/emulator/float/environment.ts";
import { compute, exactCode } from "../../../src/engine/emulator/float/exact.ts";
import { DOUBLE, type Format, SINGLE } from "../../../src/engine/emulator/float/format.ts";
import { SEED, seededRandom } from "../../support/random.ts";
import {
  type Dyadic,
  exactValue,
  fromNumber,
  isNumber,
  nearTie,
  opposite,
  order,
  plus,
  randomNumbers,
  times,
  toNumber,
} from "./numbers.ts";

const ROUNDS = 4000;
const RMODE_SHIFT = 22;

const FORMATS = [
  { name: "single", format: SINGLE },
  { name: "double", format: DOUBLE },
] as const;

type Operation = "add" | "sub" | "mul" | "div" | "sqrt" | "fma";
const OPERANDS: Readonly<Record<Operation, number>> = { add: 2, sub: 2, mul: 2, div: 2, sqrt: 1, fma: 3 };
const OPERATIONS = Object.keys(OPERANDS) as Operation[];

/** What JavaScript computes, in doubles; a single's result is that of doubles rounded once more, which is the same. */
const PLAIN: Readonly<Partial<Record<Operation, (a: number, b: number) => number>>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  sqrt: (a) => Math.sqrt(a),
};

function run(name: "single" | "double", operation: Operation, fpcr: number, operands: readonly bigint[]) {
  const environment = new FloatEnvironment(fpcr);
  const [a = 0n, b = 0n, c = 0n] = operands;
  const result = compute(environment, exactCode(operation, { format: name }), a, b, c);
  return { result, raised: environment.raised };
}

/** Negative, zero or positive as the exact result is greater than a value, equal, or less. */
function compareWithExact(operation: Operation, value: Dyadic, operands: readonly Dyadic[]): number {
  const [a, b, c] = operands as [Dyadic, Dyadic, Dyadic];
  switch (operation) {
    case "add":
      return order(value, plus(a, b));
    case "sub":
      return order(value, plus(a, opposite(b)));
    case "mul":
      return order(value, times(a, b));
    case "fma":
      return order(value, plus(a, times(b, c)));
    case "div":
      return order(times(value, b), a) * (b.integer < 0n ? -1 : 1);
    case "sqrt":
      return value.integer < 0n ? -1 : order(times(value, value), a);
  }
}

/** The number above or below a finite one. */
function neighbour(format: Format, bits: bigint, isUp: boolean): bigint {
  const sign = 1n << BigInt(format.bits - 1);
  if ((bits & ~sign) === 0n) return isUp ? 1n : sign | 1n;
  return bits < sign === isUp ? bits + 1n : bits - 1n;
}

describe.each(FORMATS)("floating point in software, $name", ({ name, format }) => {
  it(`rounds to nearest as JavaScript does (seed ${SEED})`, () => {
    const random = seededRandom();
    for (let round = 0; round < ROUNDS; round++) {
      const operands = randomNumbers(format, 2, random);
      const [a = 0, b = 0] = operands.map((bits) => toNumber(format, bits));
      for (const operation of OPERATIONS) {
        const expected = PLAIN[operation]?.(a, b);
        if (expected === undefined) continue;
        const { result } = run(name, operation, 0, operands);
        const told = `${operation} ${operands.map((bits) => bits.toString(16))}`;
        if (Number.isNaN(expected)) expect(toNumber(format, result), told).toBeNaN();
        else expect(result, told).toBe(fromNumber(format, expected));
      }
    }
  });

  it.each(OPERATIONS)(
    `gives the neighbour of the exact result that the mode asks for: %s (seed ${SEED})`,
    (operation) => {
      const random = seededRandom();
      for (let round = 0; round < ROUNDS; round++) {
        const isTie = operation === "fma" && random.integer(0, 1) === 0;
        const operands = isTie ? nearTie(format, random) : randomNumbers(format, OPERANDS[operation], random);
        if (!operands.every((bits) => isNumber(format, bits))) continue;
        const values = operands.map((bits) => exactValue(format, bits));
        const divisor = operation === "div" ? values[1]?.integer : 1n;
        if (divisor === 0n || (operation === "sqrt" && (values[0]?.integer ?? 0n) < 0n)) continue;
        for (const mode of [ROUNDING.nearest, ROUNDING.up, ROUNDING.down, ROUNDING.towardsZero]) {
          const { result, raised } = run(name, operation, mode << RMODE_SHIFT, operands);
          const told = `mode ${mode}: ${operands.map((bits) => bits.toString(16))} is ${result.toString(16)}`;
          if (!isNumber(format, result)) {
            expect(raised & (FPSR.overflow | FPSR.inexact), told).toBe(FPSR.overflow | FPSR.inexact);
            continue;
          }
          const distance = compareWithExact(operation, exactValue(format, result), values);
          expect((raised & FPSR.inexact) !== 0, told).toBe(distance !== 0);
          if (distance === 0) continue;
          const other = neighbour(format, result, distance < 0);
          if (!isNumber(format, other)) continue;
          // The exact result lies between the two.
          expect(compareWithExact(operation, exactValue(format, other), values), told).toBe(-distance);
          if (mode === ROUNDING.up) expect(distance, told).toBe(1);
          if (mode === ROUNDING.down) expect(distance, told).toBe(-1);
          if (mode === ROUNDING.towardsZero)
            expect(distance, told).toBe(result >> BigInt(format.bits - 1) === 0n ? -1 : 1);
          if (mode === ROUNDING.nearest) {
            const sum = plus(exactValue(format, result), exactValue(format, other));
            const middle = compareWithExact(operation, { integer: sum.integer, exponent: sum.exponent - 1 }, values);
            // Nearer than the middle, or even where that is the exact result.
            if (middle === 0) expect(result & 1n, told).toBe(0n);
            else expect(middle, told).toBe(-distance);
          }
        }
      }
    },
  );
});
