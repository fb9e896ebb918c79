/** Loads and stores of structures: elements that follow one another go to different SIMD&FP registers (Arm ARM, C4.1.94). */
import { type Fields, type Row, row } from "./row.ts";
import { ELEMENT_LETTERS } from "./structure-text.ts";

/** No write-back, by a register, and by the bytes of the access: bits 23 and 20 to 16, operand, name. */
interface Mode {
  readonly name: string;
  readonly isPost: "0" | "1";
  readonly register: string;
}

const MODES: readonly Mode[] = [
  { name: "no offset", isPost: "0", register: "00000" },
  { name: "post-index by register", isPost: "1", register: "Rm:5" },
  { name: "post-index by immediate", isPost: "1", register: "11111" },
];
const isByRegister = ({ Rm }: Fields) => Rm !== 31;

/** @param bytes printer of how far the immediate moves the base. */
function addressText({ name }: Mode, bytes: string): string {
  if (name === "no offset") return "[{xsp:Rn}]";
  return name === "post-index by register" ? "[{xsp:Rn}], {x:Rm}" : `[{xsp:Rn}], {${bytes}:Rn}`;
}

/** `opcode`, elements of a structure, registers. */
const MULTIPLE = [
  ["0000", 4, 4],
  ["0010", 1, 4],
  ["0100", 3, 3],
  ["0110", 1, 3],
  ["0111", 1, 1],
  ["1000", 2, 2],
  ["1010", 1, 2],
] as const;

/** The number of registers is in the name only of LD1 and ST1. */
export function multipleName(mnemonic: string, elements: number, registers: number, mode: string): string {
  const count = elements > 1 ? "" : registers === 1 ? ", 1 register" : `, ${registers} registers`;
  return `${mnemonic}${elements} (multiple structures${count}), ${mode}`;
}

/** A structure of several doublewords takes full registers: there is one of LD1 alone that has `.1D`. */
const isMultiple = (elements: number) => (fields: Fields) =>
  elements === 1 || fields["size"] !== 3 || fields["Q"] === 1;

function multipleRows(mnemonic: "LD" | "ST", mode: Mode): readonly Row[] {
  const load = mnemonic === "LD" ? "1" : "0";
  return MULTIPLE.map(([opcode, elements, registers]) => {
    const allocated = isMultiple(elements);
    return row(
      multipleName(mnemonic, elements, registers, mode.name),
      `0 Q:1 001100 ${mode.isPost} ${load} 0 ${mode.register} ${opcode} size:2 Rn:5 Rt:5` as string,
      `${mnemonic.toLowerCase()}${elements} {list${registers}:Rt}, ${addressText(mode, `listBytes${registers}`)}`,
      (fields: Fields) => allocated(fields) && isByRegister(fields),
    );
  });
}

/** By the logarithm of an element's bytes: `opcode` less its lowest bit, and where the lane's number lies. */
const LANES = [
  ["00", "S:1 low:2"],
  ["01", "S:1 low:1 0"],
  ["10", "S:1 00"],
  ["10", "0 01"],
] as const;

/** R, and the lowest bit of `opcode`, by the elements of a structure. */
const ELEMENT_COUNTS = [
  [1, "0", "0"],
  [2, "1", "0"],
  [3, "0", "1"],
  [4, "1", "1"],
] as const;

export function singleName(mnemonic: string, elements: number, size: number, mode: string): string {
  return `${mnemonic}${elements} (single structure, ${ELEMENT_LETTERS[size]}), ${mode}`;
}

function singleRows(mnemonic: "LD" | "ST", mode: Mode): readonly Row[] {
  const load = mnemonic === "LD" ? "1" : "0";
  return ELEMENT_COUNTS.flatMap(([elements, r, low]) =>
    LANES.map(([opcode, lane], size) =>
      row(
        singleName(mnemonic, elements, size, mode.name),
        `0 Q:1 001101 ${mode.isPost} ${load} ${r} ${mode.register} ${opcode}${low} ${lane} Rn:5 Rt:5` as string,
        `${mnemonic.toLowerCase()}${elements} {lane${elements}${ELEMENT_LETTERS[size]}:Rt}, ${addressText(mode, `laneBytes${elements}${ELEMENT_LETTERS[size]}`)}`,
        isByRegister,
      ),
    ),
  );
}

function replicatingRows(mode: Mode): readonly Row[] {
  return ELEMENT_COUNTS.map(([elements, r, low]) =>
    row(
      `LD${elements}R, ${mode.name}`,
      `0 Q:1 001101 ${mode.isPost} 1 ${r} ${mode.register} 11${low} 0 size:2 Rn:5 Rt:5` as string,
      `ld${elements}r {list${elements}:Rt}, ${addressText(mode, `replicatedBytes${elements}`)}`,
      isByRegister,
    ),
  );
}

export const STRUCTURES: readonly Row[] = MODES.flatMap((mode) => [
  ...multipleRows("LD", mode),
  ...multipleRows("ST", mode),
  ...singleRows("LD", mode),
  ...singleRows("ST", mode),
  ...replicatingRows(mode),
]);
