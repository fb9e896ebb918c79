/** Fused multiplication and addition of scalars, where it is not as in `fused.ts`. */
import type { Body, Code } from "../wasm/code.ts";
import { type Expr, f32, f64, i32, i64, select } from "../wasm/expression.ts";
import { errorOfSum, type Operands, PRODUCT_MIN, partsOf, SCALAR, sumOfSingles } from "./fused.ts";
import { DOUBLE_WIDTH, FloatBody, SINGLE_WIDTH } from "./library-parts.ts";

export function doubleFmaBody(): Body {
  const body = new FloatBody(DOUBLE_WIDTH, 3);
  const { code } = body;
  const operands: Operands<"f64"> = [body.parameter(0), body.parameter(1), body.parameter(2)];
  code.if(body.isPlain(), () => {
    const { product, sum, error, low, rest } = partsOf(code, SCALAR, operands);
    returnSpecial(body, operands, f64.add(product, operands[0]));
    const more = errorOfSum(code, f64, error, low, rest);
    const odd = roundedToOdd(code, rest, more);
    const rounded = code.let(f64.add(sum, odd));
    const isZero = i32.and(f64.eq(sum, f64.of(0)), f64.eq(odd, f64.of(0)));
    const isKnown = i32.and(f64.lt(f64.of(PRODUCT_MIN), f64.abs(product)), i32.or(body.isNormal(rounded), isZero));
    code.if(isKnown, () => {
      const lacking = errorOfSum(code, f64, sum, odd, rounded);
      code.if(i32.or(f64.ne(more, f64.of(0)), f64.ne(lacking, f64.of(0))), () => body.setInexact());
      code.return(rounded);
    });
  });
  return body.returnExact("fma");
}

/** A sum, of which something more is known, with the lowest bit set where it is not exact. */
function roundedToOdd(code: Code, sum: Expr<"f64">, more: Expr<"f64">): Expr<"f64"> {
  const bits = code.let(i64.reinterpret(sum));
  const isEven = i64.eqz(i64.and(bits, i64.of(1n)));
  const isFurther = f64.eq(f64.copysign(f64.of(1), more), f64.copysign(f64.of(1), sum));
  const next = i64.add(bits, select(isFurther, i64.of(1n), i64.of(-1n)));
  const moved = i32.and(isEven, f64.ne(more, f64.of(0)));
  return code.let(f64.reinterpret(select(moved, next, bits)));
}

/** Of a product that is zero, and of infinities, the plain sum is the exact one. */
function returnSpecial<T extends "f32" | "f64">(body: FloatBody<T>, [c, a, b]: Operands<T>, plain: Expr<T>): void {
  const { code } = body;
  const result = code.let(plain);
  const isSpecial = i32.or(body.anyZero(a, b), body.anyInfinite(a, b, c));
  code.if(i32.and(body.isNumber(result), isSpecial), () => code.return(result));
}

export function singleFmaBody(): Body {
  const body = new FloatBody(SINGLE_WIDTH, 3);
  const { code } = body;
  const operands: Operands<"f32"> = [body.parameter(0), body.parameter(1), body.parameter(2)];
  code.if(body.isPlain(), () => {
    const { product, addend, sum, isMiddle } = sumOfSingles(code, operands);
    returnSpecial(body, operands, f32.demote(sum));
    const error = errorOfSum(code, f64, product, addend, sum);
    const decided = code.let(select(isMiddle, roundedToOdd(code, sum, error), sum));
    const result = code.let(f32.demote(decided));
    code.if(i32.or(body.isNormal(result), f64.eq(sum, f64.of(0))), () => {
      const isInexact = i32.or(f64.ne(f64.promote(result), sum), f64.ne(error, f64.of(0)));
      code.if(isInexact, () => body.setInexact());
      code.return(result);
    });
  });
  return body.returnExact("fma");
}
