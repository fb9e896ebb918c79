/** Random instructions for cases: every row by turns, with what it needs before it. */

import { fieldsOf, type Row } from "../../../src/engine/emulator/instruction/row.ts";
import { decode } from "../../../src/engine/emulator/instruction/table.ts";
import type { Random } from "../../support/random.ts";
import { BLOCK, DATA_BYTES, loadAddress } from "./program.ts";

const WORD_MAX = 0xffff_ffff;
const MASK_64 = (1n << 64n) - 1n;
const ATTEMPTS_MAX = 1000;
const CLREX = 0xd503_3f5f;

const EDGES = [0n, 1n, 2n, MASK_64, 1n << 63n, (1n << 63n) - 1n, 1n << 31n, (1n << 31n) - 1n, 0xffff_ffffn, 0x80n];
/** Floating point: zeros, ones, infinities, NaNs quiet and signalling, denormals, the greatest, of both widths. */
const FLOAT_EDGES = [
  0x0000_0000_8000_0000n,
  0x3ff0_0000_3f80_0000n,
  0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n,
  0x7ff8_0000_7fc0_0000n,
  0x7ff0_0000_7f80_0001n,
  0x7ff4_0000_ff80_0000n,
  0x0000_0000_0000_0001n,
  0x000f_ffff_007f_ffffn,
  0x7fef_ffff_7f7f_ffffn,
  0x43e0_0000_4f00_0000n,
  0xc1e0_0000_cf00_0000n,
];

/** Rows that are not for EL0, or do not go on with the next instruction. */
const EXCLUDED = /^(SVC|HVC|SMC|BRK|HLT|DCPS|ERET|DRPS|SYS|SYSL|MSR|MRS|HINT|CLREX)/;
const INDIRECT = /^(BR|BLR|RET)$/;
const BRANCH = /^(B|BL|B\.cond|CBZ|CBNZ|TBZ|TBNZ)$/;

export const isForCases = ({ name }: Row) => !EXCLUDED.test(name);

function word64(random: Random): bigint {
  switch (random.integer(0, 4)) {
    case 0:
      return random.pick(EDGES);
    case 1:
      return random.bigint(0n, 255n);
    case 2:
      return random.pick(FLOAT_EDGES);
    default:
      return random.bigint(0n, MASK_64);
  }
}

/** Vectors of numbers of one width, of exponents that lie near to one another or at an end. */
function fillWithNumbers(view: DataView, random: Random): void {
  const isDouble = random.integer(0, 1) === 0;
  const [bias, fractionBits] = isDouble ? [1023, 52] : [127, 23];
  const middle = random.pick([bias, bias, bias, bias, 1, 2 * bias, bias + fractionBits, Math.floor(bias / 2)]);
  const spread = random.pick([0, 2, 8, 30, 60]);
  const number = () => {
    const exponent = Math.min(Math.max(middle + random.integer(-spread, spread), 0), 2 * bias);
    const zeros = BigInt(random.pick([0, 0, 0, 20, fractionBits - 2, fractionBits]));
    const fraction = (random.bigint(0n, 2n ** BigInt(fractionBits) - 1n) >> zeros) << zeros;
    const sign = BigInt(random.integer(0, 1)) << BigInt(isDouble ? 63 : 31);
    return sign | (BigInt(exponent) << BigInt(fractionBits)) | fraction;
  };
  for (let at = BLOCK.vectors; at < BLOCK.bytes; at += 8) {
    view.setBigUint64(at, isDouble ? number() : number() | (number() << 32n), true);
  }
}

/** Vectors of integers of one width each: ends of the range, amounts of shifts, and any. */
function fillWithIntegers(view: DataView, random: Random): void {
  for (let at = BLOCK.vectors; at < BLOCK.bytes; at += 16) {
    const bits = 8 << random.integer(0, 3);
    const least = 1n << BigInt(bits - 1);
    const edges = [0n, 1n, -1n, least, least + 1n, least - 1n, least >> 1n];
    const element = () => {
      switch (random.integer(0, 2)) {
        case 0:
          return random.pick(edges);
        case 1:
          return BigInt(random.integer(-bits - 2, bits + 2));
        default:
          return random.bigint(0n, MASK_64) >> BigInt(random.integer(0, bits - 1));
      }
    };
    for (let half = 0; half < 16; half += 8) {
      let value = 0n;
      for (let shift = 0; shift < 64; shift += bits) value |= BigInt.asUintN(bits, element()) << BigInt(shift);
      view.setBigUint64(at + half, value, true);
    }
  }
}

/** Rounding modes, flush to zero and default NaN by turns. */
export function randomRegisters(random: Random): Uint8Array {
  const bytes = new Uint8Array(BLOCK.bytes);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < BLOCK.bytes; at += 8) view.setBigUint64(at, word64(random), true);
  view.setBigUint64(BLOCK.nzcv, BigInt(random.integer(0, 15)) << 28n, true);
  view.setBigUint64(BLOCK.fpcr, random.integer(0, 1) === 0 ? 0n : BigInt(random.integer(0, 15)) << 22n, true);
  // With Inexact set already, floating point takes its shortest ways.
  view.setBigUint64(BLOCK.fpsr, random.pick([0n, 0x10n, 0x10n, 0x9fn]), true);
  view.setBigUint64(BLOCK.fpsr + 8, 0n, true);
  const fill = random.integer(0, 3);
  if (fill < 2) fillWithNumbers(view, random);
  else if (fill === 2) fillWithIntegers(view, random);
  return bytes;
}

/** An instruction of a row, after what leads its addresses into the data and before what its branch skips. */
export function randomInstruction(row: Row, random: Random, data: number): readonly number[] {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const words = placedInstruction(row, random, data);
    // What addresses were given may have made it another row's, or a load of one register twice, which is unpredictable.
    const own = words.find((word) => decode(word) === row);
    if (own === undefined) continue;
    const { Rt, Rt2 } = fieldsOf(row, own);
    if (Rt === undefined || Rt !== Rt2) return words;
  }
  throw new Error(`no case for ${row.name}`);
}

function placedInstruction(row: Row, random: Random, data: number): readonly number[] {
  const word = randomWord(row, random);
  const fields = fieldsOf(row, word);
  const at = (name: string) => row.fields.find((field) => field.name === name);
  const put = (name: string, value: number) => {
    const field = at(name);
    if (field === undefined) return 0;
    return ((value << field.shift) & ((2 ** field.width - 1) << field.shift)) >>> 0;
  };
  const clear = (...names: readonly string[]) =>
    row.fields
      .filter(({ name }) => names.includes(name))
      .reduce((rest, { shift, width }) => (rest & ~((2 ** width - 1) << shift)) >>> 0, word);
  if (INDIRECT.test(row.name)) {
    // The instruction after the branch is skipped.
    const register = (fields["Rn"] ?? 0) % 31;
    return [0x1000_0060 | register, (clear("Rn") | (register << 5)) >>> 0, 0xd280_0000];
  }
  if (BRANCH.test(row.name)) {
    return [
      (clear("imm26", "imm19", "imm14") | put("imm26", 2) | put("imm19", 2) | put("imm14", 2)) >>> 0,
      0xd280_0000,
    ];
  }
  if (row.name.includes("literal")) {
    // From the words behind, which a branch skips.
    const literal = [
      0x1400_0005,
      random.integer(0, WORD_MAX),
      random.integer(0, WORD_MAX),
      random.integer(0, WORD_MAX),
      7,
    ];
    return [(clear("imm19") | put("imm19", 2)) >>> 0, ...literal];
  }
  if (isMemory(row)) return memoryInstruction(row, word, random, data);
  return [word];
}

function isMemory({ name, mask, value }: Row): boolean {
  return (
    !name.includes("literal") &&
    (mask & 0x0a00_0000) >>> 0 === 0x0a00_0000 &&
    (value & 0x0a00_0000) >>> 0 === 0x0800_0000
  );
}

/** The base, never one of the loaded registers, points into the middle of the data; an index register is small. */
function memoryInstruction(row: Row, word: number, random: Random, data: number): readonly number[] {
  const base = 28;
  const middle = data + DATA_BYTES / 2 + 16 * random.integer(-8, 8);
  const index = 27;
  const others = ["Rt", "Rt2", "Rs", "Rm"];
  let adjusted = word;
  for (const { name, shift, width } of row.fields) {
    const mask = ((2 ** width - 1) << shift) >>> 0;
    const set = (value: number) => {
      adjusted = ((adjusted & ~mask) | ((value << shift) & mask)) >>> 0;
    };
    const current = (adjusted & mask) >>> shift;
    if (name === "Rn") set(base);
    else if (name === "Rm") set(index);
    else if (name === "imm12") set(random.integer(0, 31));
    else if (name === "imm7") set(random.integer(-16, 15));
    else if (name === "option" && row.name.includes("register")) set(current | 2);
    else if (others.includes(name) && (current >= 27 || name === "Rs")) set((2 * random.integer(0, 12)) % 26);
  }
  const { name } = row;
  // What an exclusive or atomic loads and stores is decided by these being different.
  if (/^(ST|LD)A?L?X[RP]$|^STL?X[RP]$/.test(name)) adjusted = distinct(row, adjusted);
  const unscaledIsFree = /unscaled|unprivileged|index|register/.test(name) ? random.integer(0, 15) : 0;
  const start = name.includes("pair") ? middle : middle + unscaledIsFree;
  // A mark of another size is unpredictable: each store has its own, or none.
  const marks = random.integer(0, 3) !== 0;
  const exclusive = /^STL?X/.test(name) ? [marks ? markFor(row, adjusted, base) : CLREX] : [];
  return [...loadAddress(base, start), ...smallIndex(index, random), ...exclusive, adjusted];
}

function distinct(row: Row, word: number): number {
  let result = word;
  const taken = new Map([
    ["Rt", 2],
    ["Rt2", 4],
    ["Rs", 6],
  ]);
  for (const { name, shift, width } of row.fields) {
    const register = taken.get(name);
    if (register === undefined) continue;
    result = ((result & ~((2 ** width - 1) << shift)) | (register << shift)) >>> 0;
  }
  return result;
}

/** The load that marks the address for a store: into registers that the store does not use. */
function markFor(row: Row, word: number, base: number): number {
  const isPair = row.name.endsWith("P");
  const sizes = word & 0xc000_0000;
  return ((isPair ? 0x087f_0000 : 0x085f_7c00) | sizes | (isPair ? 10 << 10 : 0) | (base << 5) | 8) >>> 0;
}

const smallIndex = (register: number, random: Random) => {
  const value = random.integer(0, 15);
  return [(0xd280_0000 | (value << 5) | register) >>> 0];
};

function randomWord(row: Row, random: Random): number {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const word = ((random.integer(0, WORD_MAX) & ~row.mask) | row.value) >>> 0;
    if (decode(word) === row) return word;
  }
  throw new Error(`no word is ${row.name}`);
}
