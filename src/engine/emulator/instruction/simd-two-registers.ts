/** Advanced SIMD: one vector's integers by themselves, across lanes, and shifted by an immediate (Arm ARM, C4.1.96). */
import { type Fields, type Row, row } from "./row.ts";
import { hasSize, hasVectorSize } from "./simd-three-registers.ts";

const SAME = "{vi:Rd}, {vi:Rn}";
const BYTES = "{vb:Rd}, {vb:Rn}";
const NARROW = "{vi:Rd}, {viWide:Rn}";
const LONG = "{viLong:Rd}, {vi:Rn}";
const WITH_ZERO = `${SAME}, #0`;

/** U, opcode, name, operands, sizes of vectors, and of scalars where there are any. */
const MISCELLANEOUS = [
  ["0", "00000", "REV64", SAME, "bhs"],
  ["1", "00000", "REV32", SAME, "bh"],
  ["0", "00001", "REV16", SAME, "b"],
  ["0", "00010", "SADDLP", LONG, "bhs"],
  ["1", "00010", "UADDLP", LONG, "bhs"],
  ["0", "00011", "SUQADD", SAME, "all", "all"],
  ["1", "00011", "USQADD", SAME, "all", "all"],
  ["0", "00100", "CLS", SAME, "bhs"],
  ["1", "00100", "CLZ", SAME, "bhs"],
  ["0", "00101", "CNT", SAME, "b"],
  ["1", "00101", "NOT", BYTES, "b"],
  ["1", "00101", "RBIT", BYTES, "h"],
  ["0", "00110", "SADALP", LONG, "bhs"],
  ["1", "00110", "UADALP", LONG, "bhs"],
  ["0", "00111", "SQABS", SAME, "all", "all"],
  ["1", "00111", "SQNEG", SAME, "all", "all"],
  ["0", "01000", "CMGT zero", WITH_ZERO, "all", "d"],
  ["1", "01000", "CMGE zero", WITH_ZERO, "all", "d"],
  ["0", "01001", "CMEQ zero", WITH_ZERO, "all", "d"],
  ["1", "01001", "CMLE zero", WITH_ZERO, "all", "d"],
  ["0", "01010", "CMLT zero", WITH_ZERO, "all", "d"],
  ["0", "01011", "ABS", SAME, "all", "d"],
  ["1", "01011", "NEG", SAME, "all", "d"],
  ["0", "10010", "XTN", NARROW, "bhs"],
  ["1", "10010", "SQXTUN", NARROW, "bhs", "bhs"],
  ["0", "10100", "SQXTN", NARROW, "bhs", "bhs"],
  ["1", "10100", "UQXTN", NARROW, "bhs", "bhs"],
  ["1", "10011", "SHLL", "{viWide:Rd}, {vi:Rn}, {elementBits:size}", "bhs"],
] as const;

/** `{vi:Rd}` of a vector is `{si:Rd}` of a scalar. */
const scalarOperands = (operands: string) => operands.replaceAll("{vi", "{si");
const mnemonicOf = (name: string) => name.replace(" zero", "").toLowerCase();
const changesWidth = (operands: string) => operands.includes("viWide");

function miscellaneous([
  u,
  opcode,
  name,
  operands,
  sizes,
  scalarSizes,
]: (typeof MISCELLANEOUS)[number]): readonly Row[] {
  const tail: string = `size:2 10000 ${opcode} 10 Rn:5 Rd:5`;
  const text = mnemonicOf(name);
  const two = changesWidth(operands) ? "{two:Q}" : "";
  const rows = [
    row(
      `${name} (vector)`,
      `0 Q:1 ${u} 01110 ${tail}` as string,
      `${text}${two} ${operands}`,
      changesWidth(operands) ? hasSize(sizes) : hasVectorSize(sizes),
    ),
  ];
  if (scalarSizes === undefined) return rows;
  const syntax = `${text} ${scalarOperands(operands)}`;
  rows.push(row(`${name} (SIMD scalar)`, `01 ${u} 11110 ${tail}` as string, syntax, hasSize(scalarSizes)));
  return rows;
}

const ACROSS: readonly Row[] = (
  [
    ["0", "00011", "SADDLV", "siWide"],
    ["1", "00011", "UADDLV", "siWide"],
    ["0", "01010", "SMAXV", "si"],
    ["1", "01010", "UMAXV", "si"],
    ["0", "11010", "SMINV", "si"],
    ["1", "11010", "UMINV", "si"],
    ["0", "11011", "ADDV", "si"],
  ] as const
).map(([u, opcode, name, result]) =>
  row(
    name,
    `0 Q:1 ${u} 01110 size:2 11000 ${opcode} 10 Rn:5 Rd:5` as string,
    `${name.toLowerCase()} {${result}:Rd}, {vi:Rn}`,
    ({ size = 0, Q }: Fields) => size < 2 || (size === 2 && Q === 1),
  ),
);

const LEFT = "{vi:Rd}, {vi:Rn}, {shiftLeft:immb}";
const RIGHT = "{vi:Rd}, {vi:Rn}, {shiftRight:immb}";
const RIGHT_NARROW = "{vi:Rd}, {viWide:Rn}, {shiftRight:immb}";
const LEFT_LONG = "{viWide:Rd}, {vi:Rn}, {shiftLeft:immb}";

/** U, opcode, mnemonic, operands, and elements of scalars where there are any. */
const SHIFTS = [
  ["0", "00000", "SSHR", RIGHT, "d"],
  ["1", "00000", "USHR", RIGHT, "d"],
  ["0", "00010", "SSRA", RIGHT, "d"],
  ["1", "00010", "USRA", RIGHT, "d"],
  ["0", "00100", "SRSHR", RIGHT, "d"],
  ["1", "00100", "URSHR", RIGHT, "d"],
  ["0", "00110", "SRSRA", RIGHT, "d"],
  ["1", "00110", "URSRA", RIGHT, "d"],
  ["1", "01000", "SRI", RIGHT, "d"],
  ["0", "01010", "SHL", LEFT, "d"],
  ["1", "01010", "SLI", LEFT, "d"],
  ["1", "01100", "SQSHLU", LEFT, "all"],
  ["0", "01110", "SQSHL", LEFT, "all"],
  ["1", "01110", "UQSHL", LEFT, "all"],
  ["0", "10000", "SHRN", RIGHT_NARROW],
  ["1", "10000", "SQSHRUN", RIGHT_NARROW, "all"],
  ["0", "10001", "RSHRN", RIGHT_NARROW],
  ["1", "10001", "SQRSHRUN", RIGHT_NARROW, "all"],
  ["0", "10010", "SQSHRN", RIGHT_NARROW, "all"],
  ["1", "10010", "UQSHRN", RIGHT_NARROW, "all"],
  ["0", "10011", "SQRSHRN", RIGHT_NARROW, "all"],
  ["1", "10011", "UQRSHRN", RIGHT_NARROW, "all"],
  ["0", "10100", "SSHLL", LEFT_LONG],
  ["1", "10100", "USHLL", LEFT_LONG],
] as const;

/** With `immh` zero the vector's word is a modified immediate, the scalar's is not allocated. */
function shift([u, opcode, name, operands, scalars]: (typeof SHIFTS)[number]): readonly Row[] {
  const tail: string = `immh:4 immb:3 ${opcode} 1 Rn:5 Rd:5`;
  const text = name.toLowerCase();
  const widths = changesWidth(operands);
  const rows = [
    row(
      `${name} (vector, immediate)`,
      `0 Q:1 ${u} 011110 ${tail}` as string,
      `${text}${widths ? "{two:Q}" : ""} ${operands}`,
      ({ immh = 0, Q }: Fields) => immh !== 0 && (immh < 8 || (Q === 1 && !widths)),
    ),
  ];
  if (scalars === undefined) return rows;
  rows.push(
    row(
      `${name} (SIMD scalar, immediate)`,
      `01 ${u} 111110 ${tail}` as string,
      `${text} ${scalarOperands(operands)}`,
      ({ immh = 0 }: Fields) => (scalars === "d" ? immh >= 8 : immh !== 0 && (immh < 8 || !widths)),
    ),
  );
  return rows;
}

export const SIMD_TWO_REGISTERS: readonly Row[] = [
  ...MISCELLANEOUS.flatMap(miscellaneous),
  ...ACROSS,
  ...SHIFTS.flatMap(shift),
  row("ADDP (SIMD scalar)", "01 0 11110 11 11000 11011 10 Rn:5 Rd:5", "addp {d:Rd}, {v2d:Rn}"),
];
