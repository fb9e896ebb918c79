/**
 * The substitution of AES (FIPS 197, 5.1.1 and 5.3.2) as look-ups of 16 bytes each, which hosts have as one instruction.
 *
 * A byte x is i + k·w̄, where i and k are of the subfield of 16 elements, and w has trace 1 and norm n. With j = i + k, its
 * inverse is linear in 1/p and 1/q, where p = 1/(1/i + 1/(n·k)) + j and q = 1/(1/j + 1/(n·k)) + i (after Mike Hamburg,
 * "Accelerating AES with Vector Permute Instructions", CHES 2009). The inverse of zero has bit 7 set: look-ups of it, and of
 * its sum with anything, give zero.
 */

/** Sixteen bytes in order, the first the lowest. */
export type LookUp = bigint;

export interface Substitution {
  /** Of a byte's lower and upper half: added up, i in the upper half and k in the lower. */
  readonly input: readonly [low: LookUp, high: LookUp];
  /** Of p and q; the result is their sum. */
  readonly output: readonly [p: LookUp, q: LookUp];
}

export interface SubstitutionTables {
  /** 1/x, and 1/(n·x). */
  readonly inverse: LookUp;
  readonly inverseOfScaled: LookUp;
  /** But for `AFFINE_CONSTANT`, which is added to every byte of the result. */
  readonly encrypt: Substitution;
  /** But for the same, which is added to every byte before. */
  readonly decrypt: Substitution;
}

/** x^8 + x^4 + x^3 + x + 1 (FIPS 197, 4.2). */
const POLYNOMIAL = 0x11b;
export const AFFINE_CONSTANT = 0x63n;
/** The inverse of zero. */
const INFINITE = 0x80;
const SUBFIELD = 16;

function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product <<= 1;
    if ((product & 0x100) !== 0) product ^= POLYNOMIAL;
    if (((b >> bit) & 1) !== 0) product ^= a;
  }
  return product;
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let count = 0; count < exponent; count++) result = multiply(result, base);
  return result;
}

const inverseOf = (value: number) => power(value, 254);
/** The other root of an element's quadratic equation over the subfield. */
const conjugateOf = (value: number) => power(value, SUBFIELD);

const rotatedLeft = (byte: number, by: number) => ((byte << by) | (byte >> (8 - by))) & 0xff;
/** The linear part of the affine transformation, and of its inverse. */
const affine = (byte: number) => [1, 2, 3, 4].reduce((sum, by) => sum ^ rotatedLeft(byte, by), byte);
const inverseAffine = (byte: number) => [1, 3, 6].reduce((sum, by) => sum ^ rotatedLeft(byte, by), 0);

function lookUp(of: (index: number) => number): LookUp {
  let bytes = 0n;
  for (let index = 0; index < 16; index++) bytes |= BigInt(of(index)) << BigInt(8 * index);
  return bytes;
}

/** The first that fits; there is one. */
function find(fits: (value: number) => boolean): number {
  for (let value = 0; value < 256; value++) if (fits(value)) return value;
  throw new Error("the field has no such element");
}

function makeTables(): SubstitutionTables {
  // An element of order 15, whose powers below the fourth are a basis of the subfield.
  const isOf = (order: number) => (value: number) => power(value, order) === 1;
  const generator = find((value) => isOf(15)(value) && !isOf(5)(value) && !isOf(3)(value));
  const basis = [0, 1, 2, 3].map((exponent) => power(generator, exponent));
  const element = (index: number) => basis.reduce((sum, of, bit) => sum ^ (((index >> bit) & 1) === 0 ? 0 : of), 0);
  const indices = new Map(Array.from({ length: SUBFIELD }, (_, index) => [element(index), index]));
  const indexOf = (value: number) => {
    const index = indices.get(value);
    if (index === undefined) throw new Error("not of the subfield");
    return index;
  };
  const w = find((value) => (value ^ conjugateOf(value)) === 1);
  const conjugate = conjugateOf(w);
  const norm = multiply(w, conjugate);
  /** i and k of a byte. */
  const parts = new Map<number, number>();
  for (let pair = 0; pair < 256; pair++) parts.set(element(pair >> 4) ^ multiply(element(pair & 15), conjugate), pair);
  const input = (before: (byte: number) => number): Substitution["input"] => [
    lookUp((low) => parts.get(before(low)) ?? 0),
    lookUp((high) => parts.get(before(high << 4)) ?? 0),
  ];
  // With a = 1/n and N = k²·n + i·j: a/p = (k + a·i) / N and a/q = (k + a·j) / N, and the inverse is (i·w̄ + j·w) / N.
  const a = inverseOf(norm);
  const scale = multiply(a, inverseOf(multiply(a, a)));
  const part = (first: number, second: number) => multiply(scale, multiply(1 ^ a, first) ^ second);
  const [ofP, ofQ] = [part(conjugate, w), part(w, conjugate)];
  const output = (factor: number, after: (byte: number) => number) =>
    lookUp((index) => (index === 0 ? 0 : after(multiply(factor, inverseOf(element(index))))));
  const outputs = (after: (byte: number) => number): Substitution["output"] => [output(ofP, after), output(ofQ, after)];
  const inverse = (factor: number) => (index: number) =>
    index === 0 ? INFINITE : indexOf(inverseOf(multiply(factor, element(index))));
  return {
    inverse: lookUp(inverse(1)),
    inverseOfScaled: lookUp(inverse(norm)),
    encrypt: { input: input((byte) => byte), output: outputs(affine) },
    decrypt: { input: input(inverseAffine), output: outputs((byte) => byte) },
  };
}

let tables: SubstitutionTables | undefined;

/** Made when first needed. */
export function substitutionTables(): SubstitutionTables {
  tables ??= makeTables();
  return tables;
}
