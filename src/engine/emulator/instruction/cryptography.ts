/** AES, SHA-1, SHA-256 and products of polynomials (Arm ARM, C4.1.96: "Cryptographic AES", "two-register SHA", "three-register SHA"). */
import { type Row, row } from "./row.ts";

const AES = [
  ["00100", "AESE"],
  ["00101", "AESD"],
  ["00110", "AESMC"],
  ["00111", "AESIMC"],
] as const;

/** Opcode, mnemonic, operands. */
const SHA_THREE = [
  ["000", "SHA1C", "{q:Rd}, {s:Rn}, {v4s:Rm}"],
  ["001", "SHA1P", "{q:Rd}, {s:Rn}, {v4s:Rm}"],
  ["010", "SHA1M", "{q:Rd}, {s:Rn}, {v4s:Rm}"],
  ["011", "SHA1SU0", "{v4s:Rd}, {v4s:Rn}, {v4s:Rm}"],
  ["100", "SHA256H", "{q:Rd}, {q:Rn}, {v4s:Rm}"],
  ["101", "SHA256H2", "{q:Rd}, {q:Rn}, {v4s:Rm}"],
  ["110", "SHA256SU1", "{v4s:Rd}, {v4s:Rn}, {v4s:Rm}"],
] as const;

const SHA_TWO = [
  ["00000", "SHA1H", "{s:Rd}, {s:Rn}"],
  ["00001", "SHA1SU1", "{v4s:Rd}, {v4s:Rn}"],
  ["00010", "SHA256SU0", "{v4s:Rd}, {v4s:Rn}"],
] as const;

export const CRYPTOGRAPHY: readonly Row[] = [
  ...AES.map(([opcode, name]) =>
    row(name, `0100 1110 00 10100 ${opcode} 10 Rn:5 Rd:5`, `${name.toLowerCase()} {v16b:Rd}, {v16b:Rn}`),
  ),
  ...SHA_THREE.map(([opcode, name, operands]) =>
    row(name, `0101 1110 00 0 Rm:5 0 ${opcode} 00 Rn:5 Rd:5`, `${name.toLowerCase()} ${operands}`),
  ),
  ...SHA_TWO.map(([opcode, name, operands]) =>
    row(name, `0101 1110 00 10100 ${opcode} 10 Rn:5 Rd:5`, `${name.toLowerCase()} ${operands}`),
  ),
  row("PMULL (doublewords)", "0 Q:1 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5", "pmull{two:Q} {v1q:Rd}, {vd:Rn}, {vd:Rm}"),
];
