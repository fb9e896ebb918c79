/** Advanced SIMD: integer arithmetic of two vectors, or of a vector and an element (Arm ARM, C4.1.96). */
import { type Fields, type Row, row } from "./row.ts";

/** Elements that an instruction has, by `size`: bytes, halves, words, doublewords. */
export type Sizes = "all" | "bhs" | "bh" | "hs" | "b" | "h" | "d";
const SIZES: Readonly<Record<Sizes, readonly number[]>> = {
  all: [0, 1, 2, 3],
  bhs: [0, 1, 2],
  bh: [0, 1],
  hs: [1, 2],
  b: [0],
  h: [1],
  d: [3],
};

export const hasSize =
  (sizes: Sizes) =>
  ({ size = 0 }: Fields) =>
    SIZES[sizes].includes(size);
/** A vector of one doubleword is none. */
export const hasVectorSize =
  (sizes: Sizes) =>
  ({ size = 0, Q }: Fields) =>
    SIZES[sizes].includes(size) && (size !== 3 || Q === 1);

/** Opcode, signed and unsigned mnemonic, sizes of vectors, and of scalars where there are any. */
const THREE_SAME: readonly (readonly [string, string | undefined, string | undefined, Sizes, Sizes?])[] = [
  ["00000", "SHADD", "UHADD", "bhs"],
  ["00001", "SQADD", "UQADD", "all", "all"],
  ["00010", "SRHADD", "URHADD", "bhs"],
  ["00100", "SHSUB", "UHSUB", "bhs"],
  ["00101", "SQSUB", "UQSUB", "all", "all"],
  ["00110", "CMGT", "CMHI", "all", "d"],
  ["00111", "CMGE", "CMHS", "all", "d"],
  ["01000", "SSHL", "USHL", "all", "d"],
  ["01001", "SQSHL", "UQSHL", "all", "all"],
  ["01010", "SRSHL", "URSHL", "all", "d"],
  ["01011", "SQRSHL", "UQRSHL", "all", "all"],
  ["01100", "SMAX", "UMAX", "bhs"],
  ["01101", "SMIN", "UMIN", "bhs"],
  ["01110", "SABD", "UABD", "bhs"],
  ["01111", "SABA", "UABA", "bhs"],
  ["10000", "ADD", "SUB", "all", "d"],
  ["10001", "CMTST", "CMEQ", "all", "d"],
  ["10010", "MLA", "MLS", "bhs"],
  ["10011", "MUL", undefined, "bhs"],
  ["10011", undefined, "PMUL", "b"],
  ["10100", "SMAXP", "UMAXP", "bhs"],
  ["10101", "SMINP", "UMINP", "bhs"],
  ["10110", "SQDMULH", "SQRDMULH", "hs", "hs"],
  ["10111", "ADDP", undefined, "all"],
];

function threeSame([opcode, signed, unsigned, sizes, scalarSizes]: (typeof THREE_SAME)[number]): readonly Row[] {
  const tail: string = `size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`;
  return [signed, unsigned].flatMap((name, u) => {
    if (name === undefined) return [];
    const text = name.toLowerCase();
    const rows = [
      row(
        `${name} (vector)`,
        `0 Q:1 ${u} 01110 ${tail}` as string,
        `${text} {vi:Rd}, {vi:Rn}, {vi:Rm}`,
        hasVectorSize(sizes),
      ),
    ];
    if (scalarSizes !== undefined) {
      const syntax = `${text} {si:Rd}, {si:Rn}, {si:Rm}`;
      rows.push(row(`${name} (SIMD scalar)`, `01 ${u} 11110 ${tail}` as string, syntax, hasSize(scalarSizes)));
    }
    return rows;
  });
}

const LOGICAL: readonly Row[] = (
  [
    ["AND", "0", "00"],
    ["BIC", "0", "01"],
    ["ORR", "0", "10"],
    ["ORN", "0", "11"],
    ["EOR", "1", "00"],
    ["BSL", "1", "01"],
    ["BIT", "1", "10"],
    ["BIF", "1", "11"],
  ] as const
).map(([name, u, code]) =>
  row(
    `${name} (vector)`,
    `0 Q:1 ${u} 01110 ${code} 1 Rm:5 00011 1 Rn:5 Rd:5`,
    `${name.toLowerCase()} {vb:Rd}, {vb:Rn}, {vb:Rm}`,
  ),
);

const LONG = "{viWide:Rd}, {vi:Rn}, {vi:Rm}";
const WIDE = "{viWide:Rd}, {viWide:Rn}, {vi:Rm}";
const NARROW = "{vi:Rd}, {viWide:Rn}, {viWide:Rm}";

/** Opcode, signed and unsigned mnemonic, operands, sizes; those that saturate are scalar as well. */
const THREE_DIFFERENT: readonly (readonly [string, string, string | undefined, string, Sizes])[] = [
  ["0000", "SADDL", "UADDL", LONG, "bhs"],
  ["0001", "SADDW", "UADDW", WIDE, "bhs"],
  ["0010", "SSUBL", "USUBL", LONG, "bhs"],
  ["0011", "SSUBW", "USUBW", WIDE, "bhs"],
  ["0100", "ADDHN", "RADDHN", NARROW, "bhs"],
  ["0101", "SABAL", "UABAL", LONG, "bhs"],
  ["0110", "SUBHN", "RSUBHN", NARROW, "bhs"],
  ["0111", "SABDL", "UABDL", LONG, "bhs"],
  ["1000", "SMLAL", "UMLAL", LONG, "bhs"],
  ["1001", "SQDMLAL", undefined, LONG, "hs"],
  ["1010", "SMLSL", "UMLSL", LONG, "bhs"],
  ["1011", "SQDMLSL", undefined, LONG, "hs"],
  ["1100", "SMULL", "UMULL", LONG, "bhs"],
  ["1101", "SQDMULL", undefined, LONG, "hs"],
];

function threeDifferent([opcode, signed, unsigned, operands, sizes]: (typeof THREE_DIFFERENT)[number]): readonly Row[] {
  const tail: string = `size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`;
  const isScalarToo = signed.startsWith("SQ");
  return [signed, unsigned].flatMap((name, u) => {
    if (name === undefined) return [];
    const text = name.toLowerCase();
    const vector = `${text}{two:Q} ${operands}`;
    const rows = [row(`${name} (vector)`, `0 Q:1 ${u} 01110 ${tail}` as string, vector, hasSize(sizes))];
    if (isScalarToo) {
      const scalar = `${text} {siWide:Rd}, {si:Rn}, {si:Rm}`;
      rows.push(row(`${name} (SIMD scalar)`, `01 ${u} 11110 ${tail}` as string, scalar, hasSize(sizes)));
    }
    return rows;
  });
}

/** U, opcode, mnemonic; whether the result is twice as wide, and whether there is a scalar form. */
const BY_ELEMENT = [
  ["1", "0000", "MLA", "same", "vector"],
  ["1", "0100", "MLS", "same", "vector"],
  ["0", "1000", "MUL", "same", "vector"],
  ["0", "1100", "SQDMULH", "same", "both"],
  ["0", "1101", "SQRDMULH", "same", "both"],
  ["0", "0010", "SMLAL", "long", "vector"],
  ["1", "0010", "UMLAL", "long", "vector"],
  ["0", "0110", "SMLSL", "long", "vector"],
  ["1", "0110", "UMLSL", "long", "vector"],
  ["0", "1010", "SMULL", "long", "vector"],
  ["1", "1010", "UMULL", "long", "vector"],
  ["0", "0011", "SQDMLAL", "long", "both"],
  ["0", "0111", "SQDMLSL", "long", "both"],
  ["0", "1011", "SQDMULL", "long", "both"],
] as const;

/** An element of halves is in one of the lower sixteen registers. */
function byElement([u, opcode, name, result, forms]: (typeof BY_ELEMENT)[number]): readonly Row[] {
  const text = name.toLowerCase();
  const isLong = result === "long";
  const two = isLong ? "{two:Q}" : "";
  const halves = `01 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5`;
  const words = `10 L:1 Rm:5 ${opcode} H:1 0 Rn:5 Rd:5`;
  const rows = [
    row(
      `${name} (vector, by element of halves)`,
      `0 Q:1 ${u} 01111 ${halves}`,
      `${text}${two} ${isLong ? "{v4s:Rd}" : "{vh:Rd}"}, {vh:Rn}, {halfElement:Rm}`,
    ),
    row(
      `${name} (vector, by element of words)`,
      `0 Q:1 ${u} 01111 ${words}`,
      `${text}${two} ${isLong ? "{v2d:Rd}" : "{vs:Rd}"}, {vs:Rn}, {wordElement:Rm}`,
    ),
  ];
  if (forms === "vector") return rows;
  rows.push(
    row(
      `${name} (SIMD scalar, by element of halves)`,
      `01 ${u} 11111 ${halves}`,
      `${text} ${isLong ? "{s:Rd}" : "{h:Rd}"}, {h:Rn}, {halfElement:Rm}`,
    ),
    row(
      `${name} (SIMD scalar, by element of words)`,
      `01 ${u} 11111 ${words}`,
      `${text} ${isLong ? "{d:Rd}" : "{s:Rd}"}, {s:Rn}, {wordElement:Rm}`,
    ),
  );
  return rows;
}

export const SIMD_THREE_REGISTERS: readonly Row[] = [
  ...THREE_SAME.flatMap(threeSame),
  ...LOGICAL,
  ...THREE_DIFFERENT.flatMap(threeDifferent),
  ...BY_ELEMENT.flatMap(byElement),
  // That of doublewords is a cryptographic instruction (`cryptography.ts`).
  row("PMULL (bytes)", "0 Q:1 0 01110 00 1 Rm:5 1110 00 Rn:5 Rd:5", "pmull{two:Q} {v8h:Rd}, {vb:Rn}, {vb:Rm}"),
];
