/** Loads and stores of general registers and of single SIMD&FP registers (Arm ARM, C4.1.94). */
import { type Fields, type Row, row } from "./row.ts";

/** One register's transfer: bits 31 and 30, 26 (SIMD&FP), 23 and 22. */
interface Transfer {
  readonly mnemonic: string;
  readonly size: string;
  readonly vector: "0" | "1";
  readonly opc: string;
  /** Printer of the register: by its width. */
  readonly register: string;
}

const GENERAL: readonly Transfer[] = [
  { mnemonic: "STRB", size: "00", vector: "0", opc: "00", register: "w" },
  { mnemonic: "LDRB", size: "00", vector: "0", opc: "01", register: "w" },
  { mnemonic: "LDRSB (64-bit)", size: "00", vector: "0", opc: "10", register: "x" },
  { mnemonic: "LDRSB (32-bit)", size: "00", vector: "0", opc: "11", register: "w" },
  { mnemonic: "STRH", size: "01", vector: "0", opc: "00", register: "w" },
  { mnemonic: "LDRH", size: "01", vector: "0", opc: "01", register: "w" },
  { mnemonic: "LDRSH (64-bit)", size: "01", vector: "0", opc: "10", register: "x" },
  { mnemonic: "LDRSH (32-bit)", size: "01", vector: "0", opc: "11", register: "w" },
  { mnemonic: "STR (32-bit)", size: "10", vector: "0", opc: "00", register: "w" },
  { mnemonic: "LDR (32-bit)", size: "10", vector: "0", opc: "01", register: "w" },
  { mnemonic: "LDRSW", size: "10", vector: "0", opc: "10", register: "x" },
  { mnemonic: "STR (64-bit)", size: "11", vector: "0", opc: "00", register: "x" },
  { mnemonic: "LDR (64-bit)", size: "11", vector: "0", opc: "01", register: "x" },
];

const VECTOR: readonly Transfer[] = (["b", "h", "s", "d"] as const).flatMap((register, size) => {
  const bits = size.toString(2).padStart(2, "0");
  return [
    { mnemonic: `STR (${register})`, size: bits, vector: "1", opc: "00", register },
    { mnemonic: `LDR (${register})`, size: bits, vector: "1", opc: "01", register },
  ] as const;
});
const QUAD: readonly Transfer[] = [
  { mnemonic: "STR (q)", size: "00", vector: "1", opc: "10", register: "q" },
  { mnemonic: "LDR (q)", size: "00", vector: "1", opc: "11", register: "q" },
];
const PREFETCH: Transfer = { mnemonic: "PRFM", size: "11", vector: "0", opc: "10", register: "prefetch" };

/** The mnemonic as assembled: in lower case, without what tells rows apart, with the mode's own second letter. */
function assembled(mnemonic: string, infix = ""): string {
  const word = mnemonic.replace(/ .*/, "").toLowerCase();
  if (infix === "") return word;
  return word.startsWith("prf") ? `prf${infix}m` : `${word.slice(0, 2)}${infix}${word.slice(2)}`;
}

const isExtendedIndex = ({ option = 0 }: Fields) => (option & 2) !== 0;

function singleRows(transfer: Transfer): readonly Row[] {
  const { mnemonic, size, vector, opc, register } = transfer;
  const code: string = `${size} 111 ${vector}`;
  const text = assembled(mnemonic);
  const operand = `{${register}:Rt}`;
  const isPrefetch = transfer === PREFETCH;
  const scale = vector === "1" && opc[0] === "1" ? 4 : Number.parseInt(size, 2);
  const rows = [
    row(
      `${mnemonic}, unsigned offset`,
      `${code} 01 ${opc} imm12:12 Rn:5 Rt:5`,
      `${text} ${operand}, [{xsp:Rn}{scaled${scale}:imm12}]`,
    ),
    row(
      `${mnemonic}, unscaled`,
      `${code} 00 ${opc} 0 imm9:9 00 Rn:5 Rt:5`,
      `${assembled(mnemonic, "u")} ${operand}, [{xsp:Rn}{offset9:imm9}]`,
    ),
    row(
      `${mnemonic}, register`,
      `${code} 00 ${opc} 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5`,
      `${text} ${operand}, [{xsp:Rn}, {index${scale}:Rm}]`,
      isExtendedIndex,
    ),
  ];
  if (isPrefetch) return rows;
  rows.push(
    row(
      `${mnemonic}, post-index`,
      `${code} 00 ${opc} 0 imm9:9 01 Rn:5 Rt:5`,
      `${text} ${operand}, [{xsp:Rn}], {dec9:imm9}`,
    ),
    row(
      `${mnemonic}, pre-index`,
      `${code} 00 ${opc} 0 imm9:9 11 Rn:5 Rt:5`,
      `${text} ${operand}, [{xsp:Rn}, {dec9:imm9}]!`,
    ),
  );
  if (vector === "0") {
    rows.push(
      row(
        `${mnemonic}, unprivileged`,
        `${code} 00 ${opc} 0 imm9:9 10 Rn:5 Rt:5`,
        `${assembled(mnemonic, "t")} ${operand}, [{xsp:Rn}{offset9:imm9}]`,
      ),
    );
  }
  return rows;
}

/** A pair's transfer: bits 31 and 30, 26, 22. */
interface PairTransfer {
  readonly mnemonic: string;
  readonly opc: string;
  readonly vector: "0" | "1";
  readonly load: "0" | "1";
  readonly register: string;
  /** Logarithm of one register's bytes. */
  readonly scale: number;
}

const PAIRS: readonly PairTransfer[] = (["0", "1"] as const).flatMap((load) => {
  const mnemonic = load === "1" ? "LDP" : "STP";
  const pair = (width: string, opc: string, vector: "0" | "1", register: string, scale: number): PairTransfer => ({
    mnemonic: `${mnemonic} (${width})`,
    opc,
    vector,
    load,
    register,
    scale,
  });
  return [
    pair("32-bit", "00", "0", "w", 2),
    pair("64-bit", "10", "0", "x", 3),
    pair("s", "00", "1", "s", 2),
    pair("d", "01", "1", "d", 3),
    pair("q", "10", "1", "q", 4),
  ];
});
const PAIR_SIGNED: PairTransfer = { mnemonic: "LDPSW", opc: "01", vector: "0", load: "1", register: "x", scale: 2 };

/** Elsewhere such loads are "constrained unpredictable"; of this one, undefined as objdump has it. */
const isLoadOfTwo = ({ Rt, Rt2, Rn }: Fields, writesBack: boolean) =>
  Rt !== Rt2 && !(writesBack && Rn !== 31 && (Rn === Rt || Rn === Rt2));

function pairRows({ mnemonic, opc, vector, load, register, scale }: PairTransfer): readonly Row[] {
  const code: string = `${opc} 101 ${vector}`;
  const rest = `${load} imm7:7 Rt2:5 Rn:5 Rt:5`;
  const text = assembled(mnemonic);
  const operands = `{${register}:Rt}, {${register}:Rt2}`;
  const rows = [
    row(`${mnemonic}, post-index`, `${code} 001 ${rest}`, `${text} ${operands}, [{xsp:Rn}], {pair${scale}:imm7}`),
    row(`${mnemonic}, offset`, `${code} 010 ${rest}`, `${text} ${operands}, [{xsp:Rn}{pairOffset${scale}:imm7}]`),
    row(`${mnemonic}, pre-index`, `${code} 011 ${rest}`, `${text} ${operands}, [{xsp:Rn}, {pair${scale}:imm7}]!`),
  ];
  if (mnemonic === "LDPSW") {
    return rows.map((row, mode) => ({ ...row, isAllocated: (fields: Fields) => isLoadOfTwo(fields, mode !== 1) }));
  }
  const nonTemporal = `${text.slice(0, 2)}np`;
  rows.push(
    row(
      `${mnemonic}, non-temporal`,
      `${code} 000 ${rest}`,
      `${nonTemporal} ${operands}, [{xsp:Rn}{pairOffset${scale}:imm7}]`,
    ),
  );
  return rows;
}

const LITERALS: readonly Row[] = [
  row("LDR (literal, 32-bit)", "00 011 0 00 imm19:19 Rt:5", "ldr {w:Rt}, {branch:imm19}"),
  row("LDR (literal, 64-bit)", "01 011 0 00 imm19:19 Rt:5", "ldr {x:Rt}, {branch:imm19}"),
  row("LDRSW (literal)", "10 011 0 00 imm19:19 Rt:5", "ldrsw {x:Rt}, {branch:imm19}"),
  row("PRFM (literal)", "11 011 0 00 imm19:19 Rt:5", "prfm {prefetch:Rt}, {branch:imm19}"),
  row("LDR (literal, s)", "00 011 1 00 imm19:19 Rt:5", "ldr {s:Rt}, {branch:imm19}"),
  row("LDR (literal, d)", "01 011 1 00 imm19:19 Rt:5", "ldr {d:Rt}, {branch:imm19}"),
  row("LDR (literal, q)", "10 011 1 00 imm19:19 Rt:5", "ldr {q:Rt}, {branch:imm19}"),
];

/** Of CAS pairs: both registers are even. */
const isEvenPair = ({ Rs, Rt }: { readonly Rs: number; readonly Rt: number }) => ((Rs | Rt) & 1) === 0;

/** Of LDAR the fields that should be ones must be, as far as objdump minds. */
const isAcquire = ({ size, any }: { readonly size: number; readonly any: number }) => size !== 1 || any === 1;

const EXCLUSIVES: readonly Row[] = [
  row("STXR", "size:2 001000 000 Rs:5 0 Rt2:5 Rn:5 Rt:5", "stxr{bh:size} {w:Rs}, {rsize:Rt}, [{xsp:Rn}]"),
  row("STLXR", "size:2 001000 000 Rs:5 1 Rt2:5 Rn:5 Rt:5", "stlxr{bh:size} {w:Rs}, {rsize:Rt}, [{xsp:Rn}]"),
  row("LDXR", "size:2 001000 010 Rs:5 0 Rt2:5 Rn:5 Rt:5", "ldxr{bh:size} {rsize:Rt}, [{xsp:Rn}]"),
  row("LDAXR", "size:2 001000 010 Rs:5 1 Rt2:5 Rn:5 Rt:5", "ldaxr{bh:size} {rsize:Rt}, [{xsp:Rn}]"),
  row("STXP", "1 sz:1 001000 001 Rs:5 0 Rt2:5 Rn:5 Rt:5", "stxp {w:Rs}, {rsz:Rt}, {rsz:Rt2}, [{xsp:Rn}]"),
  row("STLXP", "1 sz:1 001000 001 Rs:5 1 Rt2:5 Rn:5 Rt:5", "stlxp {w:Rs}, {rsz:Rt}, {rsz:Rt2}, [{xsp:Rn}]"),
  row("LDXP", "1 sz:1 001000 011 Rs:5 0 Rt2:5 Rn:5 Rt:5", "ldxp {rsz:Rt}, {rsz:Rt2}, [{xsp:Rn}]"),
  row("LDAXP", "1 sz:1 001000 011 Rs:5 1 Rt2:5 Rn:5 Rt:5", "ldaxp {rsz:Rt}, {rsz:Rt2}, [{xsp:Rn}]"),
  row("STLR", "size:2 001000 100 Rs:5 1 Rt2:5 Rn:5 Rt:5", "stlr{bh:size} {rsize:Rt}, [{xsp:Rn}]"),
  row("LDAR", "size:2 001000 110 any:1 1111 1 11111 Rn:5 Rt:5", "ldar{bh:size} {rsize:Rt}, [{xsp:Rn}]", isAcquire),
  row(
    "CAS",
    "size:2 001000 1 A:1 1 Rs:5 R:1 11111 Rn:5 Rt:5",
    "cas{acquire:A}{release:R}{bh:size} {rsize:Rs}, {rsize:Rt}, [{xsp:Rn}]",
  ),
  row(
    "CASP",
    "0 sz:1 001000 0 A:1 1 Rs:5 R:1 11111 Rn:5 Rt:5",
    "casp{acquire:A}{release:R} {rsz:Rs}, {rszNext:Rs}, {rsz:Rt}, {rszNext:Rt}, [{xsp:Rn}]",
    isEvenPair,
  ),
];

/** Read-modify-write in one instruction (ARMv8.1-LSE): o3 and opc. */
const ATOMICS: readonly Row[] = (
  [
    ["LDADD", "0 000"],
    ["LDCLR", "0 001"],
    ["LDEOR", "0 010"],
    ["LDSET", "0 011"],
    ["LDSMAX", "0 100"],
    ["LDSMIN", "0 101"],
    ["LDUMAX", "0 110"],
    ["LDUMIN", "0 111"],
    ["SWP", "1 000"],
  ] as const
).map(([mnemonic, code]) =>
  row(
    mnemonic,
    `size:2 111 0 00 A:1 R:1 1 Rs:5 ${code} 00 Rn:5 Rt:5`,
    `${mnemonic.toLowerCase()}{acquire:A}{release:R}{bh:size} {rsize:Rs}, {rsize:Rt}, [{xsp:Rn}]`,
  ),
);

export const LOADS_AND_STORES: readonly Row[] = [
  ...LITERALS,
  ...EXCLUSIVES,
  ...ATOMICS,
  ...[...GENERAL, ...VECTOR, ...QUAD, PREFETCH].flatMap(singleRows),
  ...[...PAIRS, PAIR_SIGNED].flatMap(pairRows),
];
