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
  return { name, ...parsePattern(name, pattern), isAllocated: guard ?? always, syntax };
}

const WORD_BITS = 32;

function always(): boolean {
  return true;
}

function parsePattern(name: string, pattern: string): Pick<Row, "mask" | "value" | "fields"> {
  let shift = WORD_BITS;
  let mask = 0;
  let value = 0;
  const fields: Field[] = [];
  for (const word of pattern.split(" ")) {
    const [field, width] = word.split(":");
    if (width !== undefined && field !== undefined) {
      shift -= Number(width);
      fields.push({ name: field, shift, width: Number(width) });
      continue;
    }
    shift -= word.length;
    mask |= (2 ** word.length - 1) << shift;
    value |= Number.parseInt(word, 2) << shift;
  }
  if (shift !== 0) throw new Error(`the pattern of ${name} has ${WORD_BITS - shift} bits`);
  return { mask: mask >>> 0, value: value >>> 0, fields };
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
