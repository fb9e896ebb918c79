/** Random mappings of one address each, with random rights and mistakes at random levels (Arm ARM, D8). */
import type { SystemRegister } from "../../../src/engine/emulator/instruction/system-register.ts";
import type { Random } from "../../support/random.ts";
import { AREA, MAIR, OWN_ENTRIES, SCTLR, TCR } from "./program.ts";

const PAGE_BYTES = 0x1000;
const TABLES_A_MAPPING = 4;
export const MAPPINGS_MAX = (AREA.end - AREA.caseTables) / (TABLES_A_MAPPING * PAGE_BYTES);
/** Of a descriptor: the upper two of the four kinds of memory are of devices. */
const DEVICE = 1n << 3n;
/** Where the board has nothing. */
const NOWHERE = 0x5000_0000;

export interface Mapping {
  readonly name: string;
  readonly virtual: bigint;
  readonly tables: ReadonlyMap<number, bigint>;
  readonly system: readonly (readonly [SystemRegister, bigint])[];
}

const bit = (random: Random, position: number, oneIn = 2) =>
  random.integer(1, oneIn) === 1 ? 1n << BigInt(position) : 0n;

/** Attributes of a leaf: those of memory, NS, AP, SH, AF, nG, contiguous, PXN, UXN, and what hardware ignores. */
function leafBits(random: Random): bigint {
  const positions = [2, 3, 5, 6, 7, 8, 9, 11, 52, 53, 54, 55, 56, 57, 58];
  const accessed = random.integer(1, 12) === 1 ? 0n : 1n << 10n;
  return positions.reduce((bits, position) => bits | bit(random, position), accessed);
}

/** PXNTable, UXNTable, APTable, NSTable, and what hardware ignores. */
function tableBits(random: Random): bigint {
  return [59, 60, 61, 62, 63].reduce((bits, position) => bits | bit(random, position, 8), bit(random, 55) | 3n);
}

/** @param index of the mapping in its program. @param isNormal no memory of devices. @param target physical address that it leads to, mistakes apart. */
export function randomMapping(random: Random, index: number, target: number, isNormal: boolean): Mapping {
  const half = random.integer(0, 1) as 0 | 1;
  const sizeOffset = randomSizeOffset(random, half);
  const inputBits = 64 - Math.max(16, Math.min(sizeOffset, 39));
  const rootLevel = 4 - Math.ceil((inputBits - 12) / 9);
  const leafLevel = random.integer(Math.max(rootLevel, 1), 3);
  const pages = AREA.caseTables + index * TABLES_A_MAPPING * PAGE_BYTES;
  const tables = new Map<number, bigint>();
  const place = random.integer(1, 30) === 1 ? NOWHERE : target;
  const leafShift = shiftOf(leafLevel);
  let input = BigInt(place) & ((1n << leafShift) - 1n);
  for (let level = rootLevel; level <= leafLevel; level++) {
    const table = pages + (level - rootLevel) * PAGE_BYTES;
    const entry = entryAt(random, { half, level, rootLevel, inputBits });
    input |= BigInt(entry) << shiftOf(level);
    const next = random.integer(1, 40) === 1 ? NOWHERE : table + PAGE_BYTES;
    const right =
      level < leafLevel
        ? BigInt(next) | tableBits(random)
        : ((BigInt(place) >> leafShift) << leafShift) |
          (leafBits(random) & ~(isNormal ? DEVICE : 0n)) |
          (level === 3 ? 3n : 1n);
    tables.set(table + 8 * entry, withMistake(random, right, level));
  }
  if (half === 0) for (const [entry, descriptor] of OWN_ENTRIES) tables.set(pages + 8 * entry, descriptor);
  const tcr = randomTcr(random, half, sizeOffset);
  const canonical = half === 1 ? BigInt.asUintN(64, input | (-1n << BigInt(inputBits))) : input;
  // Rarely outside the half, or with a tag, which is right or wrong by TCR_EL1.TBI.
  const strayed = canonical ^ (random.integer(1, 12) === 1 ? random.bigint(0n, 255n) << 56n : 0n);
  const virtual =
    strayed ^ (random.integer(1, 30) === 1 && inputBits < 55 ? 1n << BigInt(random.integer(inputBits, 54)) : 0n);
  return {
    name: `mapping ${index} of 0x${virtual.toString(16)}: half ${half}, levels ${rootLevel} to ${leafLevel}`,
    virtual,
    tables,
    system: [
      ["mair_el1", MAIR],
      [half === 0 ? "ttbr0_el1" : "ttbr1_el1", BigInt(pages) | (random.bigint(0n, 0xffffn) << 48n)],
      ["tcr_el1", tcr],
      ["sctlr_el1", randomSctlr(random)],
    ],
  };
}

const shiftOf = (level: number) => BigInt(12 + 9 * (3 - level));

/** Of the lower half, the program itself lives in 31 bits; and its root of level 0 is one of level 1 for a moment. */
function randomSizeOffset(random: Random, half: 0 | 1): number {
  if (half === 0) return random.integer(0, 1) === 0 ? random.integer(16, 23) : random.integer(25, 33);
  return random.integer(1, 30) === 1 ? random.pick([0, 15, 40, 63]) : random.integer(16, 39);
}

interface EntryPlace {
  readonly half: 0 | 1;
  readonly level: number;
  readonly rootLevel: number;
  readonly inputBits: number;
}

/** The index in a table; of a root in the lower half none of the program's own. */
function entryAt(random: Random, { half, level, rootLevel, inputBits }: EntryPlace): number {
  if (level !== rootLevel) return random.integer(0, 511);
  const count = 2 ** (inputBits - Number(shiftOf(level)));
  if (half === 1) return random.integer(0, count - 1);
  return count === 2 ? 0 : random.pick([...(level === 1 ? [0] : []), random.integer(2, count - 1)]);
}

function withMistake(random: Random, descriptor: bigint, level: number): bigint {
  switch (random.integer(1, 24)) {
    case 1:
      return descriptor & ~1n;
    case 2:
      // A block at level 0 is reserved (D8.3.1), which QEMU 7.2 does not know.
      return level === 0 ? descriptor : descriptor ^ 2n;
    case 3:
      // At 256 and 512 GiB the board has windows of its PCI bus.
      return descriptor | (1n << BigInt(random.pick([32, 33, 34, 35, 36, 37, 40, 41, 42, 43, 44, 45, 46, 47])));
    default:
      return descriptor;
  }
}

/** Sizes of addresses that both processors have: 32, 36 or 40 bits. */
function randomTcr(random: Random, half: 0 | 1, sizeOffset: number): bigint {
  const shift = half === 0 ? 0n : 16n;
  const sized = (TCR & ~(0x3fn << shift) & ~(7n << 32n)) | (BigInt(sizeOffset) << shift);
  const disabled = half === 1 ? bit(random, 23, 30) : 0n;
  return sized | (BigInt(random.integer(0, 2)) * (1n << 32n)) | bit(random, 37 + half) | bit(random, 22) | disabled;
}

/** WXN, and what EL0 may do with caches. */
function randomSctlr(random: Random): bigint {
  return SCTLR | bit(random, 19, 4) | bit(random, 26) | bit(random, 14);
}
