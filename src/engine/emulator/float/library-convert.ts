/** Conversions of scalars that may be inexact. */
import { type Body, Code } from "../wasm/code.ts";
import { type Expr, type FloatType, f32, f64, i32, i64, localGet, select } from "../wasm/expression.ts";
import { exactCode } from "./exact.ts";
import { callExact, FloatBody, roundsToNearest, SINGLE_WIDTH, setInexact, type Width } from "./library-parts.ts";

/** Bits of a significand. */
const PRECISION: Readonly<Record<FloatType, bigint>> = { f32: 24n, f64: 53n };

/** A double to a single. */
export function demoteBody(): Body {
  const code = new Code(["f64"]);
  const value = localGet("f64", 0);
  const result = code.let(f32.demote(value));
  const body = new FloatBody(SINGLE_WIDTH, 0);
  code.if(roundsToNearest(), () => {
    const isExact = code.let(f64.eq(f64.promote(result), value));
    const isSpecial = i32.or(f64.eq(value, f64.of(0)), body.anyInfinite(f32.demote(value)));
    code.if(i32.or(body.isNormal(result), i32.and(isExact, isSpecial)), () => {
      code.if(i32.eqz(isExact), () => setInexact(code));
      code.return(result);
    });
  });
  const bits = callExact(exactCode("convert", { format: "double", to: "single" }), [i64.reinterpret(value)]);
  code.return(f32.reinterpret(i32.wrap(bits)));
  return code.finish();
}

/** An integer of 64 bits to a number; what is exact is so in every mode. */
export function convertBody<T extends FloatType>(width: Width<T>, isUnsigned: boolean): Body {
  const code = new Code(["i64"]);
  const value = localGet("i64", 0);
  const { type, format, fromBits } = width;
  const magnitude = isUnsigned
    ? value
    : code.let(select(i64.ltS(value, i64.of(0n)), i64.sub(i64.of(0n), value), value));
  const significand = i64.shrU(magnitude, i64.ctz(magnitude));
  const isExact = code.let(i64.ltU(significand, i64.of(1n << PRECISION[type.type])));
  const convert = type.type === "f32" ? f32 : f64;
  const result = (isUnsigned ? convert.convertU64(value) : convert.convertS64(value)) as Expr<T>;
  code.if(i32.or(isExact, roundsToNearest()), () => {
    code.if(i32.eqz(isExact), () => setInexact(code));
    code.return(result);
  });
  code.return(fromBits(callExact(exactCode("fromInteger", { format, isUnsigned, isWide: true }), [value])));
  return code.finish();
}
