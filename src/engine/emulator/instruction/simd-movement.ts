/** Advanced SIMD: immediates, copies, permutations and tables (Arm ARM, C4.1.96). */
import { type Fields, type Row, row } from "./row.ts";
import { elementSize } from "./vector-fields.ts";

const byteAt = (rest: string): string => `abc:3 ${rest} 01 defgh:5 Rd:5`;

/** One bit of the pattern tells apart those that move and those that change. */
const IMMEDIATES: readonly Row[] = (
  [
    ["MOVI", "0", "0"],
    ["MVNI", "1", "0"],
    ["ORR", "0", "1"],
    ["BIC", "1", "1"],
  ] as const
).flatMap(([name, op, changes]) => {
  const text = name.toLowerCase();
  const code: string = `0 Q:1 ${op} 0111100000`;
  const rows = [
    row(
      `${name} (vector, immediate, words)`,
      `${code} ${byteAt(`0 amount:2 ${changes}`)}`,
      `${text} {vs:Rd}, {byte:abc}{lsl:amount}`,
    ),
    row(
      `${name} (vector, immediate, halves)`,
      `${code} ${byteAt(`10 amount:1 ${changes}`)}`,
      `${text} {vh:Rd}, {byte:abc}{lsl:amount}`,
    ),
  ];
  if (changes === "1") return rows;
  rows.push(
    row(
      `${name} (vector, immediate, shifting ones)`,
      `${code} ${byteAt("110 amount:1")}`,
      `${text} {vs:Rd}, {byte:abc}{msl:amount}`,
    ),
  );
  return rows;
});

const REPLICATED: readonly Row[] = [
  row("MOVI (vector, immediate, bytes)", `0 Q:1 0 0111100000 ${byteAt("1110")}`, "movi {vb:Rd}, {byte:abc}"),
  row("MOVI (scalar, 64-bit mask)", `0 0 1 0111100000 ${byteAt("1110")}`, "movi {d:Rd}, {bytes:abc}"),
  row("MOVI (vector, 64-bit mask)", `0 1 1 0111100000 ${byteAt("1110")}`, "movi {v2d:Rd}, {bytes:abc}"),
  row("FMOV (vector, immediate, single)", `0 Q:1 0 0111100000 ${byteAt("1111")}`, "fmov {vs:Rd}, {floatByte:abc}"),
  row("FMOV (vector, immediate, double)", `0 1 1 0111100000 ${byteAt("1111")}`, "fmov {v2d:Rd}, {floatByte:abc}"),
];

const hasElement = ({ imm5 = 0 }: Fields) => (imm5 & 15) !== 0;
/** A vector of one doubleword is none. */
const hasVectorOf = (fields: Fields) => hasElement(fields) && (elementSize(fields) !== 3 || fields["Q"] === 1);

const copy = (op: string, opcode: string, above = "01110000"): string =>
  `${op} ${above} imm5:5 0 ${opcode} 1 Rn:5 Rd:5`;

const COPIES: readonly Row[] = [
  row("DUP (vector, element)", `0 Q:1 ${copy("0", "0000")}`, "dup {vi:Rd}, {element:Rn}", hasVectorOf),
  row("DUP (SIMD scalar)", `01 ${copy("0", "0000", "11110000")}`, "dup {si:Rd}, {element:Rn}", hasElement),
  row("DUP (general)", `0 Q:1 ${copy("0", "0001")}`, "dup {vi:Rd}, {generalElement:Rn}", hasVectorOf),
  row(
    "SMOV",
    `0 Q:1 ${copy("0", "0101")}`,
    "smov {generalQ:Rd}, {element:Rn}",
    (fields: Fields) => hasElement(fields) && elementSize(fields) < 2 + (fields["Q"] ?? 0),
  ),
  row(
    "UMOV",
    `0 Q:1 ${copy("0", "0111")}`,
    "umov {generalQ:Rd}, {element:Rn}",
    (fields: Fields) => hasElement(fields) && (elementSize(fields) === 3) === (fields["Q"] === 1),
  ),
  row("INS (general)", `0 1 ${copy("0", "0011")}`, "ins {element:Rd}, {generalElement:Rn}", hasElement),
  row("INS (element)", `0 1 ${copy("1", "imm4:4")}`, "ins {element:Rd}, {sourceElement:Rn}", hasElement),
];

const PERMUTATIONS: readonly Row[] = (
  [
    ["UZP1", "001"],
    ["TRN1", "010"],
    ["ZIP1", "011"],
    ["UZP2", "101"],
    ["TRN2", "110"],
    ["ZIP2", "111"],
  ] as const
).map(([name, opcode]) =>
  row(
    name,
    `0 Q:1 001110 size:2 0 Rm:5 0 ${opcode} 10 Rn:5 Rd:5` as string,
    `${name.toLowerCase()} {vi:Rd}, {vi:Rn}, {vi:Rm}`,
    ({ size, Q }: Fields) => size !== 3 || Q === 1,
  ),
);

export const SIMD_MOVEMENT: readonly Row[] = [
  ...IMMEDIATES,
  ...REPLICATED,
  ...COPIES,
  ...PERMUTATIONS,
  row(
    "EXT",
    "0 Q:1 101110 000 Rm:5 0 imm4:4 0 Rn:5 Rd:5",
    "ext {vb:Rd}, {vb:Rn}, {vb:Rm}, {dec:imm4}",
    ({ Q, imm4 }) => Q === 1 || imm4 < 8,
  ),
  row("TBL", "0 Q:1 001110 000 Rm:5 0 len:2 0 00 Rn:5 Rd:5", "tbl {vb:Rd}, {table:Rn}, {vb:Rm}"),
  row("TBX", "0 Q:1 001110 000 Rm:5 0 len:2 1 00 Rn:5 Rd:5", "tbx {vb:Rd}, {table:Rn}, {vb:Rm}"),
];
