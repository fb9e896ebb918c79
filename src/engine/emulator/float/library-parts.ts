/** What the bodies of the library's functions are made of. */
import { STATE } from "../layout.ts";
import { type Body, Code } from "../wasm/code.ts";
import {
  callOf,
  type Expr,
  type Float,
  type FloatType,
  f32,
  f64,
  i32,
  i64,
  localGet,
  type ValueType,
} from "../wasm/expression.ts";
import { FPCR, FPSR } from "./environment.ts";
import { type ExactOperation, exactCode } from "./exact.ts";
import { FLOAT_FUNCTIONS, type FloatFunctionName } from "./functions.ts";
import { FLOAT_LIMIT, UNLIKE_WEBASSEMBLY } from "./limits.ts";

const ZERO = i32.of(0);
/** The library imports `exact`, its first function, and defines the others in their order. */
export const EXACT_FUNCTION = 0;

/** The function behind them, `productIsExactBody`. */
export const PRODUCT_IS_EXACT = FLOAT_FUNCTIONS.length;

const INDICES = new Map(FLOAT_FUNCTIONS.map(({ name }, index) => [name, index]));

export function callFloat<T extends ValueType>(type: T, name: FloatFunctionName, args: readonly Expr[]): Expr<T> {
  return callOf(type, INDICES.get(name) ?? EXACT_FUNCTION, args);
}

export function callExact(code: number, args: readonly Expr<"i64">[]): Expr<"i64"> {
  const [a = i64.of(0n), b = i64.of(0n), c = i64.of(0n)] = args;
  return callOf("i64", EXACT_FUNCTION, [i32.of(code), a, b, c]);
}

/** A width's type, and how its values become bits. */
export interface Width<T extends FloatType> {
  readonly type: Float<T>;
  readonly format: "single" | "double";
  readonly toBits: (value: Expr<T>) => Expr<"i64">;
  readonly fromBits: (bits: Expr<"i64">) => Expr<T>;
  /** The biased exponent. */
  readonly exponent: (value: Expr<T>) => Expr<"i32">;
  readonly exponents: number;
  /** Whether two factors have this product, which is normal, exactly. */
  readonly productIs: (a: Expr<T>, b: Expr<T>, product: Expr<T>) => Expr<"i32">;
}

export const SINGLE_WIDTH: Width<"f32"> = {
  type: f32,
  format: "single",
  toBits: (value) => i64.extendU(i32.reinterpret(value)),
  fromBits: (bits) => f32.reinterpret(i32.wrap(bits)),
  exponent: (value) => i32.and(i32.shrU(i32.reinterpret(value), i32.of(23)), i32.of(0xff)),
  exponents: 2 ** 8,
  // A double has room for the product of two singles.
  productIs: (a, b, product) => f64.eq(f64.mul(f64.promote(a), f64.promote(b)), f64.promote(product)),
};
export const DOUBLE_WIDTH: Width<"f64"> = {
  type: f64,
  format: "double",
  toBits: (value) => i64.reinterpret(value),
  fromBits: (bits) => f64.reinterpret(bits),
  exponent: (value) => i32.and(i32.wrap(i64.shrU(i64.reinterpret(value), i64.of(52n))), i32.of(0x7ff)),
  exponents: 2 ** 11,
  productIs: (a, b, product) => i32.and(callOf("i32", PRODUCT_IS_EXACT, [a, b]), f64.eq(f64.mul(a, b), product)),
};

/** A function's code; its parameters are of one type. */
export class FloatBody<T extends FloatType> {
  readonly code: Code;
  readonly width: Width<T>;
  readonly #parameters: number;

  constructor(width: Width<T>, parameters: number) {
    const { type } = width.type;
    this.code = new Code(new Array<ValueType>(parameters).fill(type));
    this.width = width;
    this.#parameters = parameters;
  }

  parameter(index: number): Expr<T> {
    return localGet(this.width.type.type, index);
  }

  /** FPCR rounds to nearest, and flushes none of the parameters to zero. */
  isPlain(): Expr<"i32"> {
    const operands = Array.from({ length: this.#parameters }, (_, index) => this.parameter(index));
    const isFlushed = anyOf(operands.map((operand) => this.#isDenormal(operand)));
    return i32.and(roundsToNearest(), i32.eqz(i32.and(flushes(), isFlushed)));
  }

  /** Not denormal where FPCR asks for zeros in place of denormals. */
  isKept(value: Expr<T>): Expr<"i32"> {
    return i32.eqz(i32.and(flushes(), this.#isDenormal(value)));
  }

  #isDenormal(value: Expr<T>): Expr<"i32"> {
    const { type, exponent } = this.width;
    return i32.and(i32.eqz(exponent(value)), type.ne(value, type.of(0)));
  }

  /** Neither infinite nor NaN, and not denormal, before it was rounded neither. */
  isNormal(value: Expr<T>): Expr<"i32"> {
    return i32.ltU(i32.sub(this.width.exponent(value), i32.of(2)), i32.of(this.width.exponents - 3));
  }

  isFinite(value: Expr<T>): Expr<"i32"> {
    const { type } = this.width;
    return type.lt(type.abs(value), type.of(Number.POSITIVE_INFINITY));
  }

  /** Whether one of the values is infinite. */
  anyInfinite(...values: readonly Expr<T>[]): Expr<"i32"> {
    const { type } = this.width;
    return anyOf(values.map((value) => type.eq(type.abs(value), type.of(Number.POSITIVE_INFINITY))));
  }

  anyZero(...values: readonly Expr<T>[]): Expr<"i32"> {
    const { type } = this.width;
    return anyOf(values.map((value) => type.eq(value, type.of(0))));
  }

  isNumber(value: Expr<T>): Expr<"i32"> {
    return this.width.type.eq(value, value);
  }

  setInexact(): void {
    setInexact(this.code);
  }

  /** Ends the function by what the software makes of its parameters. */
  returnExact(operation: ExactOperation): Body {
    const { format, toBits, fromBits } = this.width;
    const operands = Array.from({ length: this.#parameters }, (_, index) => toBits(this.parameter(index)));
    const result = callExact(exactCode(operation, { format }), operands);
    this.code.return(fromBits(result));
    return this.code.finish();
  }
}

export function anyOf(conditions: readonly Expr<"i32">[]): Expr<"i32"> {
  return conditions.reduce((all, condition) => i32.or(all, condition));
}

const fpcrHas = (bits: number) => i32.ne(i32.and(i32.load(ZERO, STATE.fpcr), i32.of(bits)), ZERO);

export const roundsToNearest = (): Expr<"i32"> => i32.eqz(fpcrHas(3 << FPCR.roundingShift));
const flushes = (): Expr<"i32"> => fpcrHas(FPCR.flushes);

/** As `updateFloatLimits` does. */
export function setInexact(code: Code): void {
  code.store("i32", ZERO, i32.or(i32.load(ZERO, STATE.fpsr), i32.of(FPSR.inexact)), STATE.fpsr);
  code.if(i32.eqz(fpcrHas(UNLIKE_WEBASSEMBLY)), () => {
    code.store("i32", ZERO, i32.of(FLOAT_LIMIT.f64.limit), STATE.floatLimit64);
    code.store("i32", ZERO, i32.of(FLOAT_LIMIT.f32.limit), STATE.floatLimit32);
  });
}
