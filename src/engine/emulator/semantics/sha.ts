/** SHA-1 and SHA-256: four rounds of the hash, and the schedule of words (Arm ARM, C7.2; FIPS 180-4). */
import { type Expr, i32 } from "../wasm/expression.ts";
import { v128 } from "../wasm/vector.ts";
import type { Operation, Semantics, SemanticsTable } from "./operation.ts";
import { add, or, pick, shiftBy, type Vector, withVectors, xor, ZERO } from "./simd-lanes.ts";

type Word = Expr<"i32">;
/** Usable more than once. */
type Words = readonly [Word, Word, Word, Word];
type Combine = (x: Word, y: Word, z: Word) => Word;

const WORDS = { size: 2 } as const;
const WORD_BITS = 32;

const rotatedLeft = (word: Word, by: number): Word => i32.rotr(word, i32.of(WORD_BITS - by));
const rotationsOf = (word: Word, [first, ...others]: readonly [number, ...number[]]): Word =>
  others.reduce((sum, by) => i32.xor(sum, i32.rotr(word, i32.of(by))), i32.rotr(word, i32.of(first)));

const choose: Combine = (x, y, z) => i32.xor(i32.and(i32.xor(y, z), x), z);
const parity: Combine = (x, y, z) => i32.xor(i32.xor(x, y), z);
const majority: Combine = (x, y, z) => i32.or(i32.and(x, y), i32.and(i32.or(x, y), z));

function wordsOf(op: Operation, vector: Vector): Words {
  const whole = op.code.let(vector);
  const word = (lane: number) => op.code.let(v128.extract("i32x4.extract_lane", whole, lane));
  return [word(0), word(1), word(2), word(3)];
}

function vectorOf([first, ...others]: Words): Vector {
  return others.reduce(
    (vector, word, index) => v128.replace("i32x4.replace_lane", vector, index + 1, word),
    v128.replace("i32x4.replace_lane", ZERO, 0, first),
  );
}

/** `SHA1hashupdate`: the four words that stand first, and the fifth by itself. */
const sha1Rounds = (combine: Combine): Semantics =>
  withVectors((op) => {
    const { code } = op;
    let x = wordsOf(op, op.readVector("Rd"));
    let y = code.let(v128.extract("i32x4.extract_lane", op.readVector("Rn"), 0));
    for (const word of wordsOf(op, op.readVector("Rm"))) {
      const [a, b, c, d] = x;
      const sum = i32.add(i32.add(y, rotatedLeft(a, 5)), i32.add(combine(b, c, d), word));
      x = [code.let(sum), a, code.let(rotatedLeft(b, 30)), c];
      y = d;
    }
    op.writeVector("Rd", vectorOf(x));
  });

/** `SHA256hash`. @param isFirst half of the eight words is the result. */
function sha256Rounds(op: Operation, first: Words, second: Words, isFirst: boolean): Vector {
  const { code } = op;
  let [x, y] = [first, second];
  for (const word of wordsOf(op, op.readVector("Rm"))) {
    const [a, b, c, d] = x;
    const [e, f, g, h] = y;
    const chosen = i32.add(rotationsOf(e, [6, 11, 25]), choose(e, f, g));
    const t = code.let(i32.add(i32.add(h, chosen), word));
    const sum = i32.add(rotationsOf(a, [2, 13, 22]), majority(a, b, c));
    x = [code.let(i32.add(t, sum)), a, b, c];
    y = [code.let(i32.add(t, d)), e, f, g];
  }
  return vectorOf(isFirst ? x : y);
}

/** Every word rotated. @param words usable more than once. */
const rotated = (words: Vector, right: number): Vector =>
  or(shiftBy(WORDS, "shr_u", words, i32.of(right)), shiftBy(WORDS, "shl", words, i32.of(WORD_BITS - right)));
const shifted = (words: Vector, right: number): Vector => shiftBy(WORDS, "shr_u", words, i32.of(right));

/** Words `first` to `first + 3` of two vectors, the lower one first. */
const wordsFrom = (first: number, low: Vector, high: Vector): Vector =>
  pick(WORDS.size, low, high, [first, first + 1, first + 2, first + 3]);

const sha256Schedule = (op: Operation): Vector => {
  const own = op.code.let(op.readVector("Rd"));
  const next = op.code.let(wordsFrom(1, own, op.readVector("Rn")));
  return add(WORDS, xor(xor(rotated(next, 7), rotated(next, 18)), shifted(next, 3)), own);
};

/** The upper two words need the lower ones. */
const sha256ScheduleSecond = (op: Operation): Vector => {
  const { code } = op;
  const last = code.let(op.readVector("Rm"));
  const sums = code.let(add(WORDS, op.readVector("Rd"), wordsFrom(1, op.readVector("Rn"), last)));
  const mixed = (words: Vector) => xor(xor(rotated(words, 17), rotated(words, 19)), shifted(words, 10));
  const low = code.let(add(WORDS, sums, mixed(code.let(wordsFrom(2, last, ZERO)))));
  const high = add(WORDS, sums, mixed(code.let(pick(WORDS.size, low, low, [0, 1, 0, 1]))));
  return pick(WORDS.size, low, high, [0, 1, 6, 7]);
};

const sha1Schedule = (op: Operation): Vector => {
  const own = op.code.let(op.readVector("Rd"));
  return xor(xor(wordsFrom(2, own, op.readVector("Rn")), own), op.readVector("Rm"));
};

/** The last word needs the first one. */
const sha1ScheduleSecond = (op: Operation): Vector => {
  const { code } = op;
  const sums = code.let(xor(op.readVector("Rd"), wordsFrom(1, op.readVector("Rn"), ZERO)));
  const results = code.let(rotated(sums, WORD_BITS - 1));
  const first = code.let(pick(WORDS.size, results, ZERO, [4, 4, 4, 0]));
  return xor(results, rotated(first, WORD_BITS - 1));
};

const schedule = (compute: (op: Operation) => Vector): Semantics =>
  withVectors((op) => op.writeVector("Rd", compute(op)));

export const SHA: SemanticsTable = {
  SHA1C: sha1Rounds(choose),
  SHA1P: sha1Rounds(parity),
  SHA1M: sha1Rounds(majority),
  SHA1H: withVectors((op) => {
    const word = v128.extract("i32x4.extract_lane", op.readVector("Rn"), 0);
    op.writeVector("Rd", v128.replace("i32x4.replace_lane", ZERO, 0, rotatedLeft(word, 30)));
  }),
  SHA1SU0: schedule(sha1Schedule),
  SHA1SU1: schedule(sha1ScheduleSecond),
  SHA256H: withVectors((op) => {
    const first = wordsOf(op, op.readVector("Rd"));
    op.writeVector("Rd", sha256Rounds(op, first, wordsOf(op, op.readVector("Rn")), true));
  }),
  SHA256H2: withVectors((op) => {
    const second = wordsOf(op, op.readVector("Rd"));
    op.writeVector("Rd", sha256Rounds(op, wordsOf(op, op.readVector("Rn")), second, false));
  }),
  SHA256SU0: schedule(sha256Schedule),
  SHA256SU1: schedule(sha256ScheduleSecond),
};
