/** How operands of integer Advanced SIMD instructions are written; see `operand-text.ts`. */
import type { Fields } from "./row.ts";
import {
  bitsAsBytes,
  elementSize,
  halfIndex,
  immediateByte,
  laneOf,
  leftShift,
  rightShift,
  sourceLaneOf,
  wordIndex,
} from "./vector-fields.ts";

type VectorPrinter = (value: number, fields: Fields) => string;

const LETTERS = ["b", "h", "s", "d", "q"] as const;

function arranged(register: number, size: number, isFull: boolean): string {
  return `v${register}.${(isFull ? 16 : 8) >> size}${LETTERS[size]}`;
}

const isFull = ({ Q }: Fields) => Q === 1;
const element = (register: number, size: number, lane: number) => `v${register}.${LETTERS[size]}[${lane}]`;
const general = (register: number, isWide: boolean) => `${isWide ? "x" : "w"}${register === 31 ? "zr" : register}`;

/** A list of registers, as long as the field `len` says. */
function table(first: number, { len = 0 }: Fields): string {
  const name = (step: number) => `v${(first + step) % 32}.16b`;
  const names = Array.from({ length: len + 1 }, (_, step) => name(step));
  return len < 2 || first + len > 31 ? `{${names.join(", ")}}` : `{${names[0]}-${names[len]}}`;
}

/**
 * `vi`: a vector of the instruction's elements. `viLong`: as many bits of elements twice as wide. `viWide`: those, always all
 * 128 bits. `si`, `siWide`: scalars likewise.
 */
export const VECTOR_PRINTERS: Readonly<Record<string, VectorPrinter>> = {
  vi: (value, fields) => arranged(value, elementSize(fields), isFull(fields)),
  viLong: (value, fields) => arranged(value, elementSize(fields) + 1, isFull(fields)),
  viWide: (value, fields) => arranged(value, elementSize(fields) + 1, true),
  si: (value, fields) => `${LETTERS[elementSize(fields)]}${value}`,
  siWide: (value, fields) => `${LETTERS[elementSize(fields) + 1]}${value}`,
  vb: (value, fields) => arranged(value, 0, isFull(fields)),
  vh: (value, fields) => arranged(value, 1, isFull(fields)),
  vd: (value, fields) => arranged(value, 3, isFull(fields)),
  v16b: (value) => arranged(value, 0, true),
  v8h: (value) => arranged(value, 1, true),
  v1q: (value) => arranged(value, 4, true),
  halfElement: (value, fields) => element(value, 1, halfIndex(fields)),
  wordElement: (value, fields) => element(value, 2, wordIndex(fields)),
  element: (value, fields) => element(value, elementSize(fields), laneOf(fields)),
  sourceElement: (value, fields) => element(value, elementSize(fields), sourceLaneOf(fields)),
  generalElement: (value, fields) => general(value, elementSize(fields) === 3),
  generalQ: (value, fields) => general(value, isFull(fields)),
  shiftLeft: (_, fields) => `#${leftShift(fields)}`,
  shiftRight: (_, fields) => `#${rightShift(fields)}`,
  elementBits: (value) => `#${8 << value}`,
  byte: (_, fields) => `#0x${immediateByte(fields).toString(16)}`,
  bytes: (_, fields) => `#0x${bitsAsBytes(fields).toString(16)}`,
  lsl: (value) => (value === 0 ? "" : `, lsl #${8 * value}`),
  msl: (value) => `, msl #${8 * value + 8}`,
  table,
};
