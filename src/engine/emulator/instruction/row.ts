/**
 * One row of the instruction table: an encoding, written as the manual draws it (Arm ARM, DDI 0487, chapter C6 and C7).
 *
 * A pattern is read from bit 31 down: words of 0 and 1 are fixed bits, `name:width` is a field.
 */

/** The fields of one instruction word by their names in the pattern; unsigned. */
export type Fields<Name extends string = string> = Readonly<Record<Name, number>>;

/** Names of the fields in a pattern, so that a guard which asks for another does not compile. */
export type FieldNames<Pattern extends string> = string extends Pattern
  ? string
  : Pattern extends `${infer Word} ${infer Rest}`
    ? FieldName<Word> | FieldNames<Rest>
    : FieldName<Pattern>;
type FieldName<Word extends string> = Word extends `${infer Name}:${string}` ? Name : never;

export interface Field {
  readonly name: string;
  readonly shift: number;
  readonly width: number;
}

export interface Row {
  /** The manual's, and the key of the row's semantics: `LDR (immediate, post-index)`. */
  readonly name: string;
  /** Fixed bits and what they are; both unsigned. */
  readonly mask: number;
  readonly value: number;
  readonly fields: readonly Field[];
  /** Whether a word that fits the pattern is this instruction; where not, another row's, or undefined. */
  readonly isAllocated: (fields: Fields) => boolean;
  /** Assembly with `{printer:field}` in place of operands; see `operand-text.ts`. */
  readonly syntax: string;
}

/** @param guard is left out where every word that fits is allocated. */
export function row<const Pattern extends string>(
  name: string,
  pattern: Pattern,
  syntax: string,
  guard?: (fields: Fields<FieldNames<Pattern>>) => boolean,
): Row {
  const { mask, value } = fixedBits(name, pattern);
  let fields: readonly Field[] | undefined;
  return {
    name,
    mask,
    value,
    // Most rows of a run are never asked for theirs.
    get fields() {
      fields ??= fieldsIn(pattern);
      return fields;
    },
    isAllocated: guard ?? always,
    syntax,
  };
}

const WORD_BITS = 32;
const CODE = { zero: 0x30, one: 0x31, space: 0x20 } as const;

function always(): boolean {
  return true;
}

/** Reads a pattern in one pass: there are many at every start. */
function fixedBits(name: string, pattern: string): Pick<Row, "mask" | "value"> {
  let bits = 0;
  let mask = 0;
  let value = 0;
  for (let at = 0; at < pattern.length; at++) {
    const code = pattern.charCodeAt(at);
    if (code === CODE.space) continue;
    if (code === CODE.zero || code === CODE.one) {
      bits++;
      mask |= 1 << (WORD_BITS - bits);
      value |= (code - CODE.zero) << (WORD_BITS - bits);
      continue;
    }
    const end = pattern.indexOf(" ", at);
    const next = end < 0 ? pattern.length : end;
    bits += Number(pattern.slice(pattern.indexOf(":", at) + 1, next));
    at = next;
  }
  if (bits !== WORD_BITS) throw new Error(`the pattern of ${name} has ${bits} bits`);
  return { mask: mask >>> 0, value: value >>> 0 };
}

function fieldsIn(pattern: string): readonly Field[] {
  let shift = WORD_BITS;
  return pattern.split(" ").flatMap((word) => {
    const [name, width] = word.split(":");
    shift -= width === undefined ? word.length : Number(width);
    return width === undefined || name === undefined ? [] : [{ name, shift, width: Number(width) }];
  });
}

export function fieldsOf(row: Row, word: number): Fields {
  const fields: Record<string, number> = {};
  for (const { name, shift, width } of row.fields) fields[name] = (word >>> shift) & (2 ** width - 1);
  return fields;
}

/** Two's complement of a field of so many bits. */
export function signed(value: number, bits: number): number {
  return (value << (32 - bits)) >> (32 - bits);
}
