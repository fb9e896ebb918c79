/** How lists of registers are written, of loads and stores of structures; see `operand-text.ts`. */
import type { Fields } from "./row.ts";

type ListPrinter = (value: number, fields: Fields) => string;

export const ELEMENT_LETTERS = ["b", "h", "s", "d"] as const;
const COUNTS = [1, 2, 3, 4] as const;

/** The element that a load or store of one lane names (the index in `LD1 (single structure)`, C7.2.188). */
export function structureLane({ Q = 0, S = 0, low = 0 }: Fields, size: number): number {
  switch (size) {
    case 0:
      return (Q << 3) | (S << 2) | low;
    case 1:
      return (Q << 2) | (S << 1) | low;
    case 2:
      return (Q << 1) | S;
    default:
      return Q;
  }
}

/** Registers count modulo 32; a list of more than two is written as a range where they do not. */
function list(first: number, count: number, arrangement: string): string {
  const name = (step: number) => `v${(first + step) % 32}.${arrangement}`;
  const isRange = count > 2 && first + count <= 32;
  const names = isRange ? [`${name(0)}-${name(count - 1)}`] : Array.from({ length: count }, (_, step) => name(step));
  return `{${names.join(", ")}}`;
}

const arrangement = ({ Q = 0, size = 0 }: Fields) => `${(8 << Q) >> size}${ELEMENT_LETTERS[size]}`;

const OF_LANES = COUNTS.flatMap((count) =>
  ELEMENT_LETTERS.flatMap((letter, size): readonly [string, ListPrinter][] => [
    [`lane${count}${letter}`, (value, fields) => `${list(value, count, letter)}[${structureLane(fields, size)}]`],
    [`laneBytes${count}${letter}`, () => `#${count << size}`],
  ]),
);

/** `list`: whole registers or their lower halves. `lane`: an element of each. The bytes are those of the access. */
export const STRUCTURE_PRINTERS: Readonly<Record<string, ListPrinter>> = {
  ...Object.fromEntries(
    COUNTS.flatMap((count): readonly [string, ListPrinter][] => [
      [`list${count}`, (value, fields) => list(value, count, arrangement(fields))],
      [`listBytes${count}`, (_, { Q = 0 }) => `#${count * (8 << Q)}`],
      [`replicatedBytes${count}`, (_, { size = 0 }) => `#${count << size}`],
    ]),
  ),
  ...Object.fromEntries(OF_LANES),
};
