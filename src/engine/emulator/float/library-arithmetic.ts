/** Sums, products, quotients and roots of scalars. */
import { type Body, Code } from "../wasm/code.ts";
import { type Expr, type Float, type FloatType, i32, i64, localGet } from "../wasm/expression.ts";
import { errorOfSum } from "./fused.ts";
import { FloatBody, type Width } from "./library-parts.ts";

const FRACTION = (1n << 52n) - 1n;
const EXPONENT = 0x7ffn << 52n;

/** Sums are never too small to be exact: what comes out denormal lacks nothing. */
export function sumBody<T extends FloatType>(width: Width<T>, operation: "add" | "sub"): Body {
  const body = new FloatBody(width, 2);
  const { code } = body;
  const { type } = width;
  const a = body.parameter(0);
  const b = operation === "add" ? body.parameter(1) : code.let(type.neg(body.parameter(1)));
  const sum = code.let(type.add(a, b));
  code.if(body.isPlain(), () => {
    code.if(
      i32.and(body.isFinite(sum), body.isKept(sum)),
      () => {
        const error = errorOfSum(code, type, a, b, sum);
        code.if(type.eq(error, type.of(0)), () => code.return(sum));
        // Where the error's own computation overflows it is no number, and the software tells.
        code.if(body.isNumber(error), () => {
          body.setInexact();
          code.return(sum);
        });
      },
      () => code.if(i32.and(body.isNumber(sum), body.anyInfinite(a, b)), () => code.return(sum)),
    );
  });
  return body.returnExact(operation);
}

interface Operation<T extends FloatType> {
  readonly name: "mul" | "div" | "sqrt";
  readonly operands: 1 | 2;
  readonly compute: (type: Float<T>, a: Expr<T>, b: Expr<T>) => Expr<T>;
  /** Factors, and a product that they have where the result is exact. */
  readonly exactWhere: (a: Expr<T>, b: Expr<T>, result: Expr<T>) => readonly [Expr<T>, Expr<T>, product: Expr<T>];
  /** Whether the result, a number, is exact for its being zero or infinite. */
  readonly isSpecial: (body: FloatBody<T>, a: Expr<T>, b: Expr<T>) => Expr<"i32">;
}

const multiplication = <T extends FloatType>(): Operation<T> => ({
  name: "mul",
  operands: 2,
  compute: (type, a, b) => type.mul(a, b),
  exactWhere: (a, b, result) => [a, b, result],
  isSpecial: (body, a, b) => i32.or(body.anyZero(a, b), body.anyInfinite(a, b)),
});
const division = <T extends FloatType>(): Operation<T> => ({
  name: "div",
  operands: 2,
  compute: (type, a, b) => type.div(a, b),
  exactWhere: (a, b, result) => [result, b, a],
  isSpecial: (body, a, b) => i32.or(body.anyZero(a), body.anyInfinite(a, b)),
});
const root = <T extends FloatType>(): Operation<T> => ({
  name: "sqrt",
  operands: 1,
  compute: (type, a) => type.sqrt(a),
  exactWhere: (a, _, result) => [result, result, a],
  isSpecial: (body, a) => i32.or(body.anyZero(a), body.anyInfinite(a)),
});

/** Of an operation whose result is WebAssembly's where it is normal. */
function normalBody<T extends FloatType>(width: Width<T>, operation: Operation<T>): Body {
  const body = new FloatBody(width, operation.operands);
  const { code } = body;
  const a = body.parameter(0);
  const b = operation.operands === 2 ? body.parameter(1) : a;
  const result = code.let(operation.compute(width.type, a, b));
  const [x, y, product] = operation.exactWhere(a, b, result);
  code.if(body.isPlain(), () => {
    // A denormal product could stand for another one.
    code.if(i32.and(body.isNormal(result), body.isNormal(product)), () => {
      code.if(i32.eqz(width.productIs(x, y, product)), () => body.setInexact());
      code.return(result);
    });
    const isSpecial = i32.and(body.isNumber(result), operation.isSpecial(body, a, b));
    code.if(isSpecial, () => code.return(result));
  });
  return body.returnExact(operation.name);
}

export const productBody = <T extends FloatType>(width: Width<T>) => normalBody(width, multiplication());
export const quotientBody = <T extends FloatType>(width: Width<T>) => normalBody(width, division());
export const rootBody = <T extends FloatType>(width: Width<T>) => normalBody(width, root());

/** A double's significand without the zeros at its end. */
function oddPart(code: Code, value: Expr<"f64">): Expr<"i64"> {
  const bits = code.let(i64.reinterpret(value));
  const isNormal = i64.ne(i64.and(bits, i64.of(EXPONENT)), i64.of(0n));
  const significand = code.let(i64.or(i64.and(bits, i64.of(FRACTION)), i64.shl(i64.extendU(isNormal), i64.of(52n))));
  return code.let(i64.shrU(significand, i64.ctz(significand)));
}

/** Whether the product of two doubles has a significand of 53 bits; their exponents do not matter. */
export function productIsExactBody(): Body {
  const code = new Code(["f64", "f64"]);
  const a = oddPart(code, localGet("f64", 0));
  const b = oddPart(code, localGet("f64", 1));
  // With fewer zeros in front of the two, their product has more than 63 bits.
  const fits = i64.geU(i64.add(i64.clz(a), i64.clz(b)), i64.of(64n));
  const isShort = i64.ltU(i64.mul(a, b), i64.of(1n << 53n));
  code.return(i32.and(fits, isShort));
  return code.finish();
}
